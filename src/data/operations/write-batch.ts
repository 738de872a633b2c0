import { CloudCodeError } from '../../engine/core/errors.ts';
import type { ScheduledRun, WriteAnswer, WriteOperation } from '../protocol/data-messages.ts';
import { insertBatch, setBatchAnswer } from '../../engine/store/batches.ts';
import type { Queryable, Store } from '../../engine/store/open-store.ts';
import { carryOut, type DataScope } from './carry-out.ts';
import { earlierAnswer } from './write-object.ts';

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
 * @throws as carryOut
 */
export async function writeBatch(store: Store, scope: DataScope, { id, parts }: Batch): Promise<WriteAnswer> {
  const answer = await store.transaction(async (db) => {
    const version = await insertBatch(db, { id, runId: scope.caller.runId });
    const done = {
      destroyed: [] as number[],
      runs: [] as string[],
      incremented: [] as (readonly number[])[],
      overwritten: [] as string[],
    };
    const add = async (operation: WriteOperation): Promise<void> => {
      const answer = await carryOut(db, scope, operation);
      done.destroyed.push(...answer.destroyed);
      done.runs.push(...answer.runs);
      done.incremented.push(...answer.incremented);
      done.overwritten.push(...answer.overwritten);
    };
    const kept = keepRuns((runs) => add({ do: 'schedule', runs }));
    for await (const operations of parts) {
      for (const operation of version === null ? [] : operations) {
        if (operation.do === 'schedule') await kept.add(operation.runs);
        else await add(operation);
      }
    }
    if (version === null) return answerOfEarlier(db, scope, id);
    await kept.schedule();
    if (Object.values(done).some(({ length }) => length > 0)) await setBatchAnswer(db, id, JSON.stringify(done));
    return { ...done, version };
  });
  if (answer.runs.length > 0) store.notify();
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

async function answerOfEarlier(db: Queryable, scope: DataScope, id: string): Promise<WriteAnswer> {
  const answer = await earlierAnswer(db, scope, id);
  if (answer === null) throw new CloudCodeError('attempt_superseded', `Batch ${id} belongs to another run.`);
  return answer;
}
