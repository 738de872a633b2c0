import type { DataModel } from '../../core/data-model.ts';
import { CloudCodeError } from '../../core/errors.ts';
import type { Queryable, Store } from '../../store/open-store.ts';
import { schemaName } from '../target.ts';
import { applyStep, type Patience } from './apply-step.ts';
import type { Conflict } from './conflicts.ts';
import { planTables } from './plan.ts';
import { hasUnicodeCollation, readCatalog } from './read-catalog.ts';
import { takeTurns } from './take-turns.ts';

/** Is told in words what is done and waited for: `adding table asset`. */
export type OnProgress = (what: string) => void;

export interface TableChange {
  readonly environment: string;
  readonly dataModel: DataModel;
  readonly onProgress: OnProgress;
}

const patience: Patience = { briefMs: 1_000, triesMs: 30_000, longMs: 600_000 };

/**
 * Brings the tables of an environment to a data model, while tasks go on working with them, then runs `activate`; no other deployment changes
 * the tables until that is done. Data is never removed. What an interrupted call left undone, the next does.
 * @throws CloudCodeError `data_model_conflict` before anything is changed when a field is stored with another type, or something else has a model's
 *   name; `deploy_blocked`, `deploy_failed`; `database_without_icu`
 */
export async function withTables<Result>(store: Store, change: TableChange, activate: () => Promise<Result>): Promise<Result> {
  const schema = schemaName(change.environment);
  await refuseWithoutUnicode(store);
  return takeTurns(store, { schema, patienceMs: patience.longMs, onProgress: change.onProgress }, async (session) => {
    const { steps, conflicts } = planTables(schema, await readCatalog(session, schema), change.dataModel);
    if (conflicts.length > 0) throw await asError(session, conflicts, change.environment);
    for (const step of steps) await applyStep({ session, onlooker: store, patience, onProgress: change.onProgress }, step);
    return activate();
  });
}

/** The same with nothing to activate. @throws as withTables */
export function prepareTables(store: Store, environment: string, dataModel: DataModel, onProgress: OnProgress = () => undefined): Promise<void> {
  return withTables(store, { environment, dataModel, onProgress }, async () => undefined);
}

async function refuseWithoutUnicode(db: Queryable): Promise<void> {
  if (await hasUnicodeCollation(db)) return;
  throw new CloudCodeError('database_without_icu', 'The PostgreSQL server has no collation "und-x-icu": it was built without ICU.', {
    hint: 'Use a server with ICU (the packages of PostgreSQL and its distributors have it), or the embedded one.',
  });
}

async function asError(db: Queryable, conflicts: readonly Conflict[], environment: string): Promise<CloudCodeError> {
  const lines: string[] = [];
  for (const { message, countSql, remedySql } of conflicts) {
    const count = countSql === null ? null : ((await db.query<{ count: number }>({ name: '', text: countSql }))[0]?.count ?? 0);
    lines.push(`${message}${count === null ? '' : `; ${count} value${count === 1 ? ' is' : 's are'} not null`}; by hand:\n  ${remedySql}`);
  }
  return new CloudCodeError('data_model_conflict', `The data model does not fit what is stored in ${environment}:\n${lines.join('\n')}\nNothing was changed.`, {
    hint: 'Give the field its former type or another name; or run the statement yourself, when no task works with the field, and deploy again.',
  });
}
