import type { DataModel } from '../../data/model/data-model.ts';
import { CloudCodeError, errorCatalogue } from '../core/errors.ts';
import { OutdatedModel } from '../../data/statements/refusals.ts';
import { dataTarget } from '../../data/statements/target.ts';
import { readObjects } from '../../data/operations/read-objects.ts';
import { scheduleRunByAttempt } from '../operations/schedule-run.ts';
import type { DataScope } from '../../data/operations/carry-out.ts';
import { writeBatch } from '../../data/operations/write-batch.ts';
import {
  isOnceOnly,
  isSingleWrite,
  type SingleWrite,
  writeObject,
  writeObjectOnce,
} from '../../data/operations/write-object.ts';
import { answeredAlready } from '../protocol/answered-already.ts';
import type { ScheduledRun, WriteAnswer, WriteCall } from '../../data/protocol/data-messages.ts';
import { newId as newRunId } from '../protocol/new-id.ts';
import type { CallMessage, ReplyMessage } from '../protocol/worker-messages.ts';
import type { ClaimedRun } from '../store/claim-runs.ts';
import { deleteBatches, deleteBatchesById } from '../store/batches.ts';
import type { Store } from '../store/open-store.ts';
import { retryWhileAway } from '../store/retry.ts';
import { receiveBatches } from './receive-batch.ts';
import type { WorkerProcess } from './worker-process.ts';

export interface Calls {
  /** Carries a call out and replies. */
  answer(message: CallMessage): void;
  /** From here on calls are refused: the run has answered. */
  refuse(): void;
  /** The worker is gone: calls under way are not tried again. */
  close(): Promise<void>;
}

export interface CallContext {
  readonly store: Store;
  readonly dataModel: DataModel | null;
  readonly worker: Pick<WorkerProcess, 'reply'>;
  /** The attempt cannot go on, and its next one can: the call is not replied to. */
  readonly onOutdated: (error: OutdatedModel) => void;
}

/** How long a call of a task waits for a database that is away. (Its runner may lose its lease before, which ends the attempt.) */
const patienceMs = 30_000;
/** So many notes of single writes are kept before they are deleted: an attempt may do a million. */
const maxAnswered = 500;

/** Answers what one attempt asks for, in its environment and fenced. */
export function answerCalls(run: ClaimedRun, { store, dataModel, worker, onOutdated }: CallContext): Calls {
  const caller = { runId: run.id, fence: run.fence, environment: run.environment };
  const scope: DataScope = { caller, target: dataTarget(run.environment, dataModel) };
  const over = new AbortController();
  const patience = { ms: patienceMs, signal: over.signal };
  let hasBatches = false;
  let isRefusing = false;
  const answered: string[] = [];
  const batches = receiveBatches((id, parts) => {
    hasBatches = true;
    return writeBatch(store, scope, { id, parts });
  });

  const carryOut = ({ request }: CallMessage): Promise<string> => {
    switch (request.kind) {
      case 'schedule': {
        const scheduled = { ...request, id: newRunId() };
        return retryWhileAway(
          async (isRepeated) => JSON.stringify({ id: await schedule(scheduled, isRepeated) }),
          patience,
        );
      }
      case 'select':
      case 'count':
      case 'read_file':
        return retryWhileAway(() => readObjects(store, scope, request), patience);
      case 'write':
        return write(request);
    }
  };
  // What is in the queue of this run waits for its end.
  const schedule = (scheduled: ScheduledRun, isRepeated: boolean): Promise<string> =>
    scheduleRunByAttempt(store, caller, {
      run: scheduled,
      mayBeClaimed: !isRepeated && (scheduled.queue === null || scheduled.queue !== run.queue),
    });
  const write = async (request: WriteCall): Promise<string> => {
    const [operation, ...others] = request.operations;
    const isWhole = request.part === 0 && request.last;
    if (isWhole && others.length === 0 && isSingleWrite(operation)) {
      return JSON.stringify(await writeSingle(request.batch, operation));
    }
    // The parts of a longer one are not kept: the worker sends them again.
    return JSON.stringify(
      isWhole ? await retryWhileAway(() => batches.receive(request), patience) : await batches.receive(request),
    );
  };
  const writeSingle = async (id: string, operation: SingleWrite): Promise<WriteAnswer> => {
    if (!isOnceOnly(operation))
      return retryWhileAway((isRepeated) => writeObject(store, scope, { operation, isRepeated }), patience);
    hasBatches = true;
    const answer = await retryWhileAway(() => writeObjectOnce(store, scope, { id, operation }), patience);
    answered.push(id);
    // The worker does not repeat what was answered.
    if (answered.length >= maxAnswered) await deleteBatchesById(store, answered.splice(0)).catch(() => undefined);
    return answer;
  };
  return {
    answer(message) {
      if (isRefusing) return worker.reply(message.call, { error: answeredAlready });
      carryOut(message).then(
        (valueJson) => worker.reply(message.call, { valueJson }),
        (error: unknown) =>
          error instanceof OutdatedModel ? onOutdated(error) : worker.reply(message.call, { error: failureOf(error) }),
      );
    },
    refuse() {
      isRefusing = true;
    },
    async close() {
      over.abort();
      batches.close();
      if (hasBatches) await deleteBatches(store, caller).catch(() => undefined);
    },
  };
}

function failureOf(error: unknown): NonNullable<ReplyMessage['error']> {
  const { code, message, hint } =
    error instanceof CloudCodeError
      ? error
      : new CloudCodeError('internal', error instanceof Error ? error.message : String(error));
  return {
    code,
    message: hint === undefined ? message : `${message} ${hint}`,
    isRefusal: errorCatalogue[code].status < 500,
  };
}
