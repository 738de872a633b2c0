import { CloudCodeError, errorCatalogue, OutdatedDeployment } from '../core/errors.ts';
import type { ScheduledRun } from '../core/schedule-request.ts';
import type { Extension, ExtensionCalls } from '../operations/extension.ts';
import { type Claiming, scheduleRunByAttempt } from '../operations/schedule-run.ts';
import { writeBatch } from '../operations/write-batch.ts';
import { answeredAlready, type ReplyMessage } from '../protocol/to-worker.ts';
import { type BatchCall, type CallRequest, openCallParser } from '../protocol/call-requests.ts';
import type { CallMessage } from '../protocol/from-worker.ts';
import { newId as newRunId } from '../protocol/new-id.ts';
import { deleteBatches, deleteBatchesById } from '../store/batches.ts';
import type { ClaimedRun } from '../store/claim-runs.ts';
import type { Store } from '../store/open-store.ts';
import { retryWhileAway } from '../store/retry.ts';
import { receiveBatches } from './receive-batch.ts';
import type { WorkerProcess } from './worker-process.ts';
import { messageOf } from '../core/thrown.ts';

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
  /** What the extension has added to the attempt's deployment; null for nothing. */
  readonly state: unknown;
  readonly worker: Pick<WorkerProcess, 'reply'>;
  /** The attempt cannot go on, and its next one can: the call is not replied to. */
  readonly onOutdated: (error: OutdatedDeployment) => void;
  /** It is no call: something else than our code writes to the channel. */
  readonly onUnreadable: () => void;
}

/** Answers what one attempt asks for, in its environment and fenced. */
export type AnswerCalls = (run: ClaimedRun, context: CallContext) => Calls;

/** How long a call of a task waits for a database that is away. (Its runner may lose its lease before, which ends the attempt.) */
const patienceMs = 30_000;
/** So many notes of batches that were answered are kept before they are deleted: an attempt may have a million. */
const maxAnswered = 500;

const noExtension: ExtensionCalls = {
  answer: () => Promise.reject(new Error('there is no extension')),
  carryOut: () => Promise.reject(new Error('there is no extension')),
  carryOutAlone: () => null,
};

/** @param extension what tasks may ask for besides to schedule; null: nothing */
export function openAnswers(extension: Extension | null, claiming: Claiming | null = null): AnswerCalls {
  const parse = openCallParser(extension?.schemas ?? null);

  return (run, { store, state, worker, onOutdated, onUnreadable }) => {
    const caller = { runId: run.id, fence: run.fence, environment: run.environment };
    const over = new AbortController();
    const patience = { ms: patienceMs, signal: over.signal };
    const notes = openNotes(store, caller);
    const own = extension?.openCalls({ store, caller, state, patience, noted: notes.noted }) ?? noExtension;
    let isRefusing = false;
    const batches = receiveBatches((id, parts) => {
      notes.expect();
      return writeBatch(store, { caller, carryOut: own.carryOut }, { id, parts });
    });

    const carryOut = (request: CallRequest): Promise<string> => {
      switch (request.kind) {
        case 'schedule': {
          const scheduled = { ...request, id: newRunId() };
          return retryWhileAway(
            async (isRepeated) => JSON.stringify({ id: await schedule(scheduled, isRepeated) }),
            patience,
          );
        }
        case 'extension':
          return own.answer(request.request);
        case 'write':
          return write(request);
      }
    };
    // What is in the queue of this run waits for its end.
    const schedule = (scheduled: ScheduledRun, isRepeated: boolean): Promise<string> =>
      scheduleRunByAttempt(store, caller, {
        run: scheduled,
        claiming,
        mayBeClaimed: !isRepeated && (scheduled.queue === null || scheduled.queue !== run.queue),
      });
    const write = async (request: BatchCall): Promise<string> => {
      const [operation, ...others] = request.operations;
      const isWhole = request.part === 0 && request.last;
      if (isWhole && operation !== undefined && others.length === 0) {
        const alone = own.carryOutAlone(request.batch, operation);
        if (alone !== null) return alone;
      }
      // The parts of a longer one are not kept: the worker sends them again.
      return JSON.stringify(
        isWhole ? await retryWhileAway(() => batches.receive(request), patience) : await batches.receive(request),
      );
    };
    return {
      answer({ call, request }) {
        if (isRefusing) return worker.reply(call, { error: answeredAlready });
        const parsed = parse(request);
        if (parsed === null) return onUnreadable();
        carryOut(parsed).then(
          (valueJson) => worker.reply(call, { valueJson }),
          (error: unknown) =>
            error instanceof OutdatedDeployment ? onOutdated(error) : worker.reply(call, { error: failureOf(error) }),
        );
      },
      refuse() {
        isRefusing = true;
      },
      async close() {
        over.abort();
        batches.close();
        await notes.close();
      },
    };
  };
}

/** The notes in the database of what an attempt has had carried out. They are for what its worker sends again, and not needed once that has its answer. */
function openNotes(store: Store, caller: { readonly runId: string; readonly fence: string }) {
  let hasNotes = false;
  const answered: string[] = [];
  return {
    expect() {
      hasNotes = true;
    },
    async noted<Answer>(batch: string, write: () => Promise<Answer>): Promise<Answer> {
      hasNotes = true;
      const answer = await write();
      answered.push(batch);
      if (answered.length >= maxAnswered) await deleteBatchesById(store, answered.splice(0)).catch(() => undefined);
      return answer;
    },
    async close() {
      if (hasNotes) await deleteBatches(store, caller).catch(() => undefined);
    },
  };
}

function failureOf(error: unknown): NonNullable<ReplyMessage['error']> {
  const { code, message, hint } =
    error instanceof CloudCodeError ? error : new CloudCodeError('internal', messageOf(error));
  return {
    code,
    message: hint === undefined ? message : `${message} ${hint}`,
    isRefusal: errorCatalogue[code].status < 500,
  };
}
