import type { ArgumentValue } from '../expression/argument-values.ts';
import type { Attribute } from '../expression/attributes.ts';
import type { BoundComparison } from '../expression/check-condition.ts';
import { columnOf, typeOf } from './columns.ts';
import type { Parameters } from './statement.ts';

/** A comparison and its opposite. Each is true where it says so, else false or null: they are joined by `and` and `or` only, never negated. */
export interface Alternatives {
  readonly holds: string;
  readonly fails: string;
}

/** Comparisons with null are true or false as in JavaScript, not unknown: `= null` is "is null", `!=` a value holds for null, the rest fails. */
export function compileComparison(
  { attribute, operator, value }: BoundComparison,
  parameters: Parameters,
): Alternatives {
  const column = columnOf(attribute);
  if (operator === '!=')
    return opposite(compileComparison({ kind: 'comparison', attribute, operator: '=', value }, parameters));
  if (operator === 'in') return isIn({ attribute, items: Array.isArray(value) ? value : [] }, parameters);
  if (value === null) return operator === '=' ? { holds: `${column} is null`, fails: `${column} is not null` } : never;
  if (operator === 'starts with')
    return test(column, `starts_with(${folded(column)}, ${folded(parameters.add(value, 'text'))})`);
  const type = typeOf(attribute);
  if (operator === 'contains') {
    if (type.endsWith('[]')) return test(column, `${column} @> ${parameters.add([value], type)}`);
    return test(column, `strpos(${folded(column)}, ${folded(parameters.add(value, 'text'))}) > 0`);
  }
  if (type.endsWith('[]')) {
    const keys = parameters.add(value, type);
    return test(column, `${column} @> ${keys} and ${column} <@ ${keys}`);
  }
  const comparable = typeof value === 'number' && type === 'bigint' ? wholeBound(operator, value) : value;
  if (comparable === null) return never;
  const parameter = parameters.add(comparable, type);
  return {
    holds: `${column} ${operator} ${parameter}`,
    fails: `(${column} ${contrary[operator]} ${parameter} or ${column} is null)`,
  };
}

const never: Alternatives = { holds: 'false', fails: 'true' };
const contrary = { '=': '<>', '<': '>=', '>': '<=', '<=': '>', '>=': '<' } as const;

function opposite({ holds, fails }: Alternatives): Alternatives {
  return { holds: fails, fails: holds };
}

/** A test that is null for null. */
function test(column: string, sql: string): Alternatives {
  return { holds: `(${sql})`, fails: `(not (${sql}) or ${column} is null)` };
}

// Both sides by the full Unicode mapping, as JavaScript's toUpperCase; then compared by code points.
function folded(text: string): string {
  return `upper(${text} collate "und-x-icu") collate "C"`;
}

function isIn(
  { attribute, items }: { readonly attribute: Attribute; readonly items: readonly ArgumentValue[] },
  parameters: Parameters,
): Alternatives {
  const column = columnOf(attribute);
  const type = typeOf(attribute);
  const isWhole = type === 'bigint';
  const values = items
    .filter((item) => item !== null && (!isWhole || Number.isInteger(item)))
    .map((item) => (isWhole && typeof item === 'number' ? clamped(item) : item));
  const hasNull = items.includes(null);
  if (values.length === 0) return hasNull ? { holds: `${column} is null`, fails: `${column} is not null` } : never;
  const list = parameters.add(values, `${type}[]`);
  if (hasNull) return { holds: `(${column} = any(${list}) or ${column} is null)`, fails: `${column} <> all(${list})` };
  return { holds: `${column} = any(${list})`, fails: `(${column} <> all(${list}) or ${column} is null)` };
}

/**
 * The whole number that compares with whole numbers as `value` does, or null when none equals it. An integer column compared with a double
 * precision value would use no index.
 */
function wholeBound(operator: keyof typeof contrary, value: number): number | null {
  if (operator === '=') return Number.isInteger(value) ? clamped(value) : null;
  return clamped(operator === '<' || operator === '>=' ? Math.ceil(value) : Math.floor(value));
}

// Far outside of what an integer column holds, well within a bigint.
function clamped(value: number): number {
  return Math.max(-(2 ** 40), Math.min(2 ** 40, value));
}
