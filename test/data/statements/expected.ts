import type { Thing } from './things.ts';

// What an expression means, in plain JavaScript. Knows nothing of the code it is compared with.

export type Node =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Node[] }
  | { readonly kind: 'not'; readonly part: Node }
  | {
      readonly kind: 'comparison';
      readonly name: string;
      readonly operator: string;
      readonly plain: unknown;
      readonly given: unknown;
    };

export function isMatch(node: Node, thing: Thing): boolean {
  switch (node.kind) {
    case 'and':
      return node.parts.every((part) => isMatch(part, thing));
    case 'or':
      return node.parts.some((part) => isMatch(part, thing));
    case 'not':
      return !isMatch(node.part, thing);
    case 'comparison':
      return compare(valueOf(thing, node.name), node.operator, node.plain);
  }
}

/** The value of a field, or the id that a belongs-to stands for. */
export function valueOf(thing: Thing, name: string): unknown {
  return name in thing ? thing[name] : thing[`${name}_id`];
}

function compare(value: unknown, operator: string, other: unknown): boolean {
  switch (operator) {
    case '=':
      return isSame(value, other);
    case '!=':
      return !isSame(value, other);
    case 'in':
      return (other as unknown[]).includes(value);
    case 'not in':
      return !(other as unknown[]).includes(value);
  }
  if (value === null || other === null) return false;
  switch (operator) {
    case '<':
      return order(value, other) < 0;
    case '>':
      return order(value, other) > 0;
    case '<=':
      return order(value, other) <= 0;
    case '>=':
      return order(value, other) >= 0;
    case 'contains':
      return Array.isArray(value)
        ? value.includes(other)
        : (value as string).toUpperCase().includes((other as string).toUpperCase());
    case 'starts with':
      return (value as string).toUpperCase().startsWith((other as string).toUpperCase());
  }
  throw new Error(`${operator} is no operator`);
}

function isSame(value: unknown, other: unknown): boolean {
  if (!Array.isArray(value) || !Array.isArray(other)) return value === other;
  return value.every((item) => other.includes(item)) && other.every((item) => value.includes(item));
}

/** Texts by code point, numbers by value, false before true. Dates and times are texts of one length. */
export function order(value: unknown, other: unknown): number {
  if (typeof value === 'string') return Buffer.compare(Buffer.from(value), Buffer.from(other as string));
  return Number(value) - Number(other) || (Number(value) < Number(other) ? -1 : Number(value) > Number(other) ? 1 : 0);
}

/** By several fields, `-` for descending, nulls last ascending and first descending; then by id. */
export function orderThings(orderBy: readonly string[]): (one: Thing, other: Thing) => number {
  return (one, other) => {
    for (const term of [...orderBy, 'id']) {
      const name = term.replace('-', '');
      const [left, right] = [valueOf(one, name), valueOf(other, name)];
      const result =
        left === null || right === null ? Number(left === null) - Number(right === null) : order(left, right);
      if (result !== 0) return term.startsWith('-') ? -result : result;
    }
    return 0;
  };
}
