import { checkViolation } from '../../engine/store/store-error.ts';
import { indexRefusal } from './index-refusal.ts';

/** What to say when the database refused the values of a write; null for any other error. */
export function valueRefusal(error: unknown): string | null {
  const violation = checkViolation(error);
  return violation === null ? indexRefusal(error) : describe(violation);
}

// A row is checked whole, whatever is changed of it; PostgreSQL shows it from its id on.
function describe({ table, constraint, row }: NonNullable<ReturnType<typeof checkViolation>>): string {
  const [field = constraint] = constraint.split(/[.~]/);
  const id = /^\(([0-9a-f-]{36})\b/.exec(row)?.[1];
  const whose = id === undefined ? '' : ` of ${id}`;
  return `${table}.${field}${whose} holds, or would hold, what the data model does not allow there (check ${constraint}): another program has stored it, or another version of the model. Assign a value, or null, to ${field} too.`;
}
