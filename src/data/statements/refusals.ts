import { OutdatedDeployment } from '../../engine/core/errors.ts';
import { checkViolation, sqlState, violatedConstraint } from '../../engine/store/store-error.ts';
import { messageOf } from '../../engine/core/thrown.ts';

const programLimitExceeded = '54000';

/**
 * What to say when the database refused values because they are too long for an index: an entry of a B-tree has about 2,700 bytes at most, after
 * compression. Null for any other error.
 */
export function indexRefusal(error: unknown): string | null {
  const index = violatedConstraint(error);
  if (sqlState(error) !== programLimitExceeded || index === null) return null;
  const [model = index, name = ''] = index.split('.', 2);
  return `a value of model ${model} is too long for its index ${name}, which takes about 2,700 bytes.`;
}

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

/** A column or table is not there, or another has its name by now (migration 0016). */
const gone = new Set(['42703', '42P01', 'CC002']);

/** An error of a statement of an attempt, as what it means to it. */
export function asOutdated(error: unknown): unknown {
  if (!gone.has(sqlState(error) ?? '')) return error;
  const what = messageOf(error);
  return new OutdatedDeployment('data_model_conflict', `The tables have changed since this attempt began: ${what}.`, {
    hint: 'A deployment has renamed it. The next attempt has the new data model.',
    cause: error,
  });
}
