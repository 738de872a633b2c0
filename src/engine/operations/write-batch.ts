import { CloudCodeError } from '../core/errors.ts';
import type { ScheduledRun } from '../core/schedule-request.ts';
import type { BatchAnswer, Operation, ScheduleRuns } from '../protocol/call-requests.ts';
import { insertBatch, readBatchAnswer, setBatchAnswer } from '../store/batches.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import type { ExtensionCalls, OperationAnswer } from './extension.ts';
import { type CallingAttempt, scheduleRunsByAttempt, tellScheduled } from './schedule-run.ts';

export interface Batch {
  readonly id: string;
  readonly parts: AsyncIterable<readonly Operation[]>;
}

export interface BatchWriter {
  readonly caller: CallingAttempt;
  /** Of an extension: carries out what is not to schedule. */
  readonly carryOut: ExtensionCalls['carryOut'];
}

/** So much of a batch's runs is kept, to be scheduled together at its end: characters of their parameters, and this for each besides. */
const keptCharacters = 8 * 1024 * 1024;
const charactersOfRun = 256;

/**
 * Carries out a batch in one transaction: all of it or nothing. A batch that was carried out before, by its id, is answered as it was then. Its runs are scheduled together after everything else, so
 * that the locks of their queues are taken in one order for all writers; only of a batch with more of them than can be kept, step by step.
 * @throws as scheduleRunsByAttempt and what carries its operations out
 */
export async function writeBatch(
  store: Store,
  { caller, carryOut }: BatchWriter,
  { id, parts }: Batch,
): Promise<BatchAnswer> {
  const added: Pick<ScheduledRun, 'id' | 'task'>[] = [];
  const answer = await store.transaction(async (db): Promise<BatchAnswer> => {
    const version = await insertBatch(db, { id, runId: caller.runId });
    const done: Record<string, unknown[]> & { runs: string[] } = { runs: [] };
    const add = (answer: OperationAnswer): void => {
      for (const [name, list] of Object.entries(answer)) (done[name] ??= []).push(...list);
    };
    const kept = keepRuns(async (runs) => {
      const ids = await scheduleRunsByAttempt(db, caller, runs);
      // Not their parameters, which may be large.
      for (const [index, { id, task }] of runs.entries()) if (id === ids[index]) added.push({ id, task });
      add({ runs: ids });
    });
    for await (const operations of parts) {
      for (const operation of version === null ? [] : operations) {
        if (isSchedule(operation)) await kept.add(operation.runs);
        else add(await carryOut(db, operation));
      }
    }
    if (version === null) return answerOfEarlier(db, caller, id);
    await kept.schedule();
    if (Object.values(done).some(({ length }) => length > 0)) await setBatchAnswer(db, id, JSON.stringify(done));
    return { ...done, version };
  });
  if (answer.runs.length > 0) store.notify();
  tellScheduled(store, caller, added);
  return answer;
}

function isSchedule(operation: Operation): operation is ScheduleRuns {
  return operation.do === 'schedule';
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

async function answerOfEarlier(db: Queryable, caller: CallingAttempt, id: string): Promise<BatchAnswer> {
  const answer = await earlierAnswer(db, caller, id);
  if (answer === null) throw new CloudCodeError('attempt_superseded', `Batch ${id} belongs to another run.`);
  return answer;
}

/** What a batch was answered that this run has carried out before; null when it has not. */
export async function earlierAnswer(
  db: Queryable,
  { runId }: Pick<CallingAttempt, 'runId'>,
  id: string,
): Promise<BatchAnswer | null> {
  const earlier = await readBatchAnswer(db, { id, runId });
  return earlier === null
    ? null
    : { runs: [], ...(JSON.parse(earlier.answerJson) as Partial<BatchAnswer>), version: earlier.version };
}
