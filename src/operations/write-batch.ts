import { CloudCodeError } from '../core/errors.ts';
import { destroyMatching } from '../data/destroy-matching.ts';
import { indexRefusal } from '../data/index-refusal.ts';
import type { DataTarget } from '../data/target.ts';
import { destroyObjects, insertObjects, updateObjects } from '../data/write-objects.ts';
import type { ScheduledRun, WriteAnswer, WriteOperation } from '../protocol/data-messages.ts';
import { insertBatch, readBatchAnswer, setBatchAnswer } from '../store/batches.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import { type CallingAttempt, scheduleRunsByAttempt } from './schedule-run.ts';

/** On whose behalf, and in which data. */
export interface DataScope {
  readonly caller: CallingAttempt;
  readonly target: DataTarget;
}

export interface Batch {
  readonly id: string;
  readonly parts: AsyncIterable<readonly WriteOperation[]>;
}

/** So much of a batch's runs is kept, to be scheduled together at its end: characters of their parameters, and this for each besides. */
const keptCharacters = 8 * 1024 * 1024;
const charactersOfRun = 256;

/**
 * Carries out a batch in one transaction: all of it or nothing. A batch that was carried out before, by its id, is answered as it was then. Its runs are scheduled together after everything else, so
 * that the locks of their queues are taken in one order for all writers; only of a batch with more of them than can be kept, step by step.
 * @throws CloudCodeError `attempt_superseded`, `object_destroyed`, `unknown_task`, `unknown_model`, `unknown_field`
 */
export async function writeBatch(store: Store, scope: DataScope, { id, parts }: Batch): Promise<WriteAnswer> {
  const answer = await store.transaction(async (db) => {
    const runId = scope.caller.runId;
    const isNew = await insertBatch(db, { id, runId });
    const destroyed: number[] = [];
    const runs: string[] = [];
    const kept = keepRuns(async (all) => void runs.push(...(await carryOut(db, scope, { do: 'schedule', runs: all })).runs));
    for await (const operations of parts) {
      for (const operation of isNew ? operations : []) {
        if (operation.do === 'schedule') await kept.add(operation.runs);
        else destroyed.push(...(await carryOut(db, scope, operation)).destroyed);
      }
    }
    if (!isNew) return earlierAnswer(db, { id, runId });
    await kept.schedule();
    if (destroyed.length + runs.length > 0) await setBatchAnswer(db, id, JSON.stringify({ destroyed, runs }));
    return { destroyed, runs };
  });
  if (answer.runs.length > 0) store.ring();
  return answer;
}

function keepRuns(schedule: (runs: readonly ScheduledRun[]) => Promise<void>) {
  let runs: ScheduledRun[] = [];
  let characters = 0;
  const scheduleKept = async (): Promise<void> => {
    const all = runs;
    runs = [];
    characters = 0;
    if (all.length > 0) await schedule(all);
  };
  return {
    schedule: scheduleKept,
    async add(more: readonly ScheduledRun[]): Promise<void> {
      for (const run of more) {
        runs.push(run);
        characters += charactersOfRun + run.parametersJson.length;
      }
      if (characters > keptCharacters) await scheduleKept();
    },
  };
}

/**
 * Carries out a single write of a single object, in one statement. To do it again does nothing twice; `isRepeated` says that an
 * earlier try may have been committed, so that an object that is not there to be destroyed is none to complain of.
 * @throws as writeBatch
 */
export async function writeObject(db: Queryable, scope: DataScope, given: { readonly operation: WriteOperation; readonly isRepeated: boolean }): Promise<WriteAnswer> {
  try {
    return await carryOut(db, scope, given.operation);
  } catch (error) {
    const isDone = given.isRepeated && given.operation.do === 'destroy' && error instanceof CloudCodeError && error.code === 'object_destroyed';
    if (isDone) return { destroyed: [], runs: [] };
    throw error;
  }
}

/** Whether `writeObject` can do it. */
export function isSingleWrite(operation: WriteOperation | undefined): operation is WriteOperation {
  return operation !== undefined && 'ids' in operation && operation.ids.length === 1;
}

async function earlierAnswer(db: Queryable, batch: { readonly id: string; readonly runId: string }): Promise<WriteAnswer> {
  const json = await readBatchAnswer(db, batch);
  if (json === null) throw new CloudCodeError('attempt_superseded', `Batch ${batch.id} belongs to another run.`);
  return JSON.parse(json) as WriteAnswer;
}

async function carryOut(db: Queryable, scope: DataScope, operation: WriteOperation): Promise<WriteAnswer> {
  try {
    return await write(db, scope, operation);
  } catch (error) {
    const refusal = indexRefusal(error);
    throw refusal === null ? error : new CloudCodeError('invalid_value', refusal, { cause: error });
  }
}

async function write(db: Queryable, { caller, target }: DataScope, operation: WriteOperation): Promise<WriteAnswer> {
  const nothing = { destroyed: [], runs: [] };
  switch (operation.do) {
    case 'insert':
      await db.query(insertObjects(target, caller, operation));
      return nothing;
    case 'update':
      refuseMissing(operation, await db.query<Missing>(updateObjects(target, caller, operation)));
      return nothing;
    case 'destroy':
      refuseMissing(operation, await db.query<Missing>(destroyObjects(target, caller, operation)));
      return nothing;
    case 'destroy_all': {
      const [row] = await db.query<{ count: number }>(destroyMatching(target, caller, operation.selection));
      return { destroyed: [row?.count ?? 0], runs: [] };
    }
    case 'schedule':
      return { destroyed: [], runs: await scheduleRunsByAttempt(db, caller, operation.runs) };
  }
}

interface Missing {
  readonly missing: readonly string[] | null;
}

function refuseMissing({ model, ids }: { readonly model: string; readonly ids: readonly string[] }, [row]: readonly Missing[]): void {
  const [id, ...others] = row === undefined ? ids : (row.missing ?? []);
  if (id === undefined) return;
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  throw new CloudCodeError('object_destroyed', `${model} ${id}${more} is not there any more: it was destroyed elsewhere. Nothing was written.`);
}
