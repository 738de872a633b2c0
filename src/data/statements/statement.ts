import { createHash } from 'node:crypto';
import type { Caller } from '../../engine/store/insert-run.ts';
import type { Statement } from '../../engine/store/open-store.ts';

/** The values of a statement. `$1` and `$2` are the caller's run and fence, which every statement checks. */
export interface Parameters {
  readonly values: readonly unknown[];
  /** Adds a value; returns what stands for it in SQL. The type is one of our own words, never a caller's. */
  add(value: unknown, type: string): string;
}

// The protocol counts parameters in 16 bits.
const maxParameters = 65_535;

export function openParameters(caller: Caller): Parameters {
  const values: unknown[] = [caller.runId, caller.fence];
  return {
    values,
    add(value, type) {
      if (values.length >= maxParameters) throw new Error(`a statement cannot have more than ${maxParameters} values`);
      values.push(value);
      return `$${values.length}::${type}`;
    },
  };
}

const searchLimitMs = 300_000;

// Each name is a plan that every connection of the server keeps, until it closes. Texts differ with expressions, columns and data models.
const maxNames = 1000;
const maxNamed = 20_000;
const names = new Map<string, string>();
const seenOnce = new Set<string>();

/** A statement, prepared under a name from its second use on, unless too many or too long ones are already. */
export function statementOf(text: string, parameters: Parameters): Statement {
  return { name: nameOf(text), text, values: parameters.values };
}

/** One that may have to look through a whole table. */
export function searchOf(text: string, parameters: Parameters): Statement {
  return { ...statementOf(text, parameters), limitMs: searchLimitMs };
}

function nameOf(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  if (names.size >= maxNames || text.length > maxNamed) return '';
  if (!seenOnce.delete(text)) {
    if (seenOnce.size >= maxNames) seenOnce.clear();
    seenOnce.add(text);
    return '';
  }
  const name = `data_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
  names.set(text, name);
  return name;
}
