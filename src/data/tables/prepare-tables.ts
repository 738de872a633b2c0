import type { DataModel } from '../model/data-model.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { refuseToChange } from '../../engine/operations/environments.ts';
import type { ExtensionPlan, OnProgress } from '../../engine/operations/extension.ts';
import type { Session } from '../../engine/store/open-session.ts';
import type { Queryable, Store } from '../../engine/store/open-store.ts';
import { isConflict } from '../../engine/store/store-error.ts';
import { schemaName } from '../statements/target.ts';
import { applyStep, type Patience, type Step } from './apply-step.ts';
import { carryOutRenames } from './carry-out-renames.ts';
import { caseConflicts } from './case-conflicts.ts';
import type { Conflict } from './conflicts.ts';
import { counted, countWithin } from './count-values.ts';
import { markOutdated } from './outdated-attempts.ts';
import { compareModels, withFormerKeys } from './model-changes.ts';
import { planTables } from './plan.ts';
import { hasUnicodeCollation, readCatalog } from './read-catalog.ts';
import { inStoredNames, type Rename } from './renames.ts';
import { settleRenames } from './settle-renames.ts';
import { takeTurns } from './take-turns.ts';
import { tellChanges } from './tell-changes.ts';
import { readCurrentState } from '../../engine/store/deployments.ts';

export interface TableChange {
  readonly environment: string;
  readonly dataModel: DataModel;
  readonly onProgress: OnProgress;
}

/** Tables that suit a data model, but for names. */
export interface PreparedTables {
  /** With what the deployment found of the data. */
  readonly dataModel: DataModel;
  /** What to tell people of values that are there: `item.a: 100,006 values are hidden`. */
  readonly notices: readonly string[];
  /** Is called first in the transaction that activates the model, and again when that is tried again. */
  rename(db: Queryable): Promise<void>;
}

const patience: Patience = { briefMs: 1_000, triesMs: 30_000, longMs: 600_000 };

/**
 * Brings the tables of an environment to a data model, while tasks go on working with them, then runs `activate`; no other deployment changes
 * the tables until that is done. Data is never removed. What an interrupted call left undone, the next does. Tells of how many values the model hides or does not suit that is deployed now.
 * @throws CloudCodeError `data_model_conflict` before anything is changed when a field is stored with another type, or something else has a model's
 *   name, or something is stored under a name that differs in case alone; `deploy_blocked`, `deploy_failed`; `database_without_icu`
 */
export async function withTables<Result>(
  store: Store,
  change: TableChange,
  activate: (tables: PreparedTables) => Promise<Result>,
): Promise<Result> {
  const schema = schemaName(change.environment);
  await refuseWithoutUnicode(store);
  return takeTurns(store, { schema, patienceMs: patience.longMs, onProgress: change.onProgress }, async (session) => {
    const { dataModel, onProgress } = change;
    const { catalog, models, renames, steps } = await settle(session, change);
    const additions = steps.flatMap(({ adds }) => adds ?? []);
    await markOutdated(session, change.environment, additions);
    for (const step of steps) await applyStep({ session, observer: store, patience, onProgress }, step);
    const notices: string[] = [];
    const tell = (notice: string): void => void notices.push(notice);
    await tellUnreadable(session, steps, tell);
    const found = await tellChanges(session, compareModels(schema, catalog, { models, renames }), tell);
    for (const rename of renames) onProgress(`renaming ${describeRename(rename)}`);
    return await whenGranted(renames, () =>
      activate({
        dataModel: withFormerKeys(dataModel, found),
        notices,
        rename: (db) => carryOutRenames(db, schema, { renames, dataModel }),
      }),
    );
  });
}

/** What `withTables` would do, and tell, in words; changes nothing. @throws CloudCodeError as withTables */
export async function planChange(store: Store, change: TableChange): Promise<ExtensionPlan> {
  const schema = schemaName(change.environment);
  await refuseWithoutUnicode(store);
  return takeTurns(store, { schema, patienceMs: patience.longMs, onProgress: change.onProgress }, async (session) => {
    const { catalog, models, renames, steps } = await settle(session, change);
    const notices: string[] = [];
    await tellChanges(session, compareModels(schema, catalog, { models, renames }), (notice) => notices.push(notice));
    return {
      steps: [...renames.map((rename) => `renaming ${describeRename(rename)}`), ...steps.map(({ what }) => what)],
      notices,
    };
  });
}

/** How the tables come to a data model. @throws CloudCodeError `data_model_conflict`, `environment_deleting` */
async function settle(session: Session, { environment, dataModel }: TableChange) {
  const schema = schemaName(environment);
  // Whoever deletes it has had the turn before.
  await refuseToChange(session, environment);
  const catalog = await readCatalog(session, schema);
  const models = { next: dataModel, previous: await readCurrentDataModel(session, environment) };
  const { renames, conflicts: renameConflicts } = await settleRenames(session, schema, { catalog, models });
  const stored = inStoredNames(dataModel, renames);
  const plan = planTables(schema, catalog, stored);
  const conflicts = [
    ...renameConflicts,
    ...caseConflicts(schema, catalog, stored),
    ...(await standing(session, plan.conflicts)),
  ];
  if (conflicts.length > 0) throw await asError(session, conflicts, environment);
  return { catalog, models, renames, steps: plan.steps };
}

function describeRename({ model, table, member }: Rename): string {
  return member === null ? `model ${table} to ${model}` : `${model}.${member.from} to ${member.to}`;
}

async function whenGranted<Result>(renames: readonly Rename[], activate: () => Promise<Result>): Promise<Result> {
  try {
    return await activate();
  } catch (error) {
    if (renames.length === 0 || !isConflict(error)) throw error;
    throw new CloudCodeError(
      'deploy_blocked',
      `Data model: renaming ${renames.map(describeRename).join(', ')} had to wait too long for other transactions.`,
      {
        hint: 'See pg_stat_activity for who uses the tables, wait for it or end it (`select pg_terminate_backend(<pid>)`), then deploy again.',
        cause: error,
      },
    );
  }
}

async function refuseWithoutUnicode(db: Queryable): Promise<void> {
  if (await hasUnicodeCollation(db)) return;
  throw new CloudCodeError(
    'database_without_icu',
    'The PostgreSQL server has no collation "und-x-icu": it was built without ICU.',
    {
      hint: 'Use a server with ICU (the packages of PostgreSQL and its distributors have it), or the embedded one.',
    },
  );
}

async function standing(db: Queryable, conflicts: readonly Conflict[]): Promise<readonly Conflict[]> {
  const standing: Conflict[] = [];
  for (const conflict of conflicts)
    if (conflict.misfitsSql === null || (await countBy(db, conflict.misfitsSql)) > 0) standing.push(conflict);
  return standing;
}

async function countBy(db: Queryable, text: string): Promise<number> {
  return (await db.query<{ count: number }>({ name: '', text }))[0]?.count ?? 0;
}

async function tellUnreadable(session: Session, steps: readonly Step[], tell: (notice: string) => void): Promise<void> {
  for (const { of, countSql } of steps.flatMap(({ unreadable }) => unreadable ?? [])) {
    const count = await countWithin(session, countSql);
    if (count !== null && count > 0)
      tell(
        `${of}: ${counted(count, 'value')} there that no task can read (NaN, infinity, or out of range): another program stored them`,
      );
  }
}

async function asError(db: Queryable, conflicts: readonly Conflict[], environment: string): Promise<CloudCodeError> {
  const lines: string[] = [];
  for (const { message, countSql, misfitsSql, remedySql } of conflicts) {
    const count = countSql === null ? null : await countBy(db, countSql);
    const misfits = misfitsSql === null ? '' : `, of which ${await countBy(db, misfitsSql)} would not fit`;
    lines.push(
      `${message}${count === null ? '' : `; ${count} value${count === 1 ? ' is' : 's are'} not null`}${misfits}; by hand:\n  ${remedySql}`,
    );
  }
  return new CloudCodeError(
    'data_model_conflict',
    `The data model does not fit what is stored in ${environment}:\n${lines.join('\n')}\nNothing was changed.`,
    {
      hint: 'Give the field its former type or another name; or run the statement yourself, when no task works with the field, and deploy again.',
    },
  );
}

/** Of what is deployed now; null when nothing is, or a project without one. */
export async function readCurrentDataModel(db: Queryable, environment: string): Promise<DataModel | null> {
  return (await readCurrentState(db, environment)) as DataModel | null;
}
