import { ProcessesGone } from '../core/processes-gone.ts';
import type { ClaimedRun } from '../store/claim-runs.ts';
import type { BundleCache } from './bundle-cache.ts';
import type { DataModels } from './data-models.ts';
import { type AttemptContext, type AttemptStop, executeAttempt, type RunningAttempt, type TaskCode } from './execute-attempt.ts';
import type { WorkerPool } from './worker-pool.ts';

/** The runs that a runner holds: never more are at work than it has room for. */
export interface RunSlots {
  /** How many more it may claim. */
  free(): number;
  /** How many it holds, those included whose processes are gone while their ends are being stored. */
  size(): number;
  holds(runId: string): boolean;
  /** Executes a claimed run; there is room for another when its processes are gone, and it is held until its end is stored. */
  fill(run: ClaimedRun): void;
  cancel(runId: string): void;
  /** Ends every attempt, also those that are only about to start. */
  endAll(stop: AttemptStop): void;
  /** Resolves when no run is held. */
  idle(): Promise<void>;
}

interface Slot {
  readonly run: ClaimedRun;
  /** False when its processes are gone. */
  isAtWork: boolean;
  attempt: RunningAttempt | null;
  stop: AttemptStop | null;
}

export interface SlotOptions {
  readonly concurrency: number;
  readonly pool: WorkerPool;
  readonly bundles: BundleCache;
  readonly dataModels: DataModels;
  readonly context: AttemptContext;
  /** How many workers could not be killed yet: while there is one, nothing is claimed. */
  readonly unproven: () => number;
  readonly onFree: () => void;
}

/** Runs held, as a multiple of those at work: when ends are stored slowly, they must not pile up. */
const heldPerRoom = 2;

export function openSlots({ concurrency, pool, bundles, dataModels, context, unproven, onFree }: SlotOptions): RunSlots {
  const slots = new Map<string, Slot>();
  let waiters: (() => void)[] = [];

  const endSlot = (slot: Slot, stop: AttemptStop): void => {
    slot.stop ??= stop;
    slot.attempt?.end(stop);
  };
  const readCode = async (run: ClaimedRun): Promise<TaskCode> => {
    const [files, dataModel] = await Promise.all([bundles.files(run.bundleHash, run.bundleFormat), dataModels(run.dataModelHash)]);
    return { files, dataModel };
  };
  const execute = async (slot: Slot): Promise<void> => {
    const { run } = slot;
    const taken = await takeBoth(pool.take(run), readCode(run)).catch((error: unknown) => ({ error }));
    if ('error' in taken) return giveUp(run, context, taken.error);
    const [worker, code] = taken;
    slot.attempt = executeAttempt(run, worker, code, context);
    if (slot.stop !== null) slot.attempt.end(slot.stop);
    void slot.attempt.gone.then(() => {
      slot.isAtWork = false;
      onFree();
    });
    await slot.attempt.done;
  };
  const mayHold = (): number => heldPerRoom * concurrency - slots.size;
  const release = (slot: Slot): void => {
    const madeRoom = slot.isAtWork || mayHold() === 0;
    slots.delete(slot.run.id);
    if (slots.size === 0) {
      for (const resolve of waiters) resolve();
      waiters = [];
    }
    if (madeRoom) onFree();
  };
  return {
    free: () => (unproven() > 0 ? 0 : Math.min(concurrency - [...slots.values()].filter(({ isAtWork }) => isAtWork).length, mayHold())),
    size: () => slots.size,
    holds: (runId) => slots.has(runId),
    fill(run) {
      const slot: Slot = { run, isAtWork: true, attempt: null, stop: null };
      slots.set(run.id, slot);
      void execute(slot)
        // No end is stored here: nothing proves that the attempt's processes are gone. The runner's next look at what it holds finds the run again.
        .catch((error: unknown) => context.onEvent({ kind: 'trouble', what: `the attempt of run ${run.id} ended out of order`, error }))
        .finally(() => release(slot));
    },
    cancel(runId) {
      const slot = slots.get(runId);
      if (slot !== undefined) endSlot(slot, { kind: 'cancelled', why: 'The run was cancelled.', cancelRequested: true });
    },
    endAll(stop) {
      for (const slot of slots.values()) endSlot(slot, stop);
    },
    idle: () => (slots.size === 0 ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve))),
  };
}

/** Both, or neither: a worker that was taken is ended when there is nothing for it to do. */
async function takeBoth<Code>(taking: ReturnType<WorkerPool['take']>, code: Promise<Code>) {
  code.catch(() => undefined); // it may fail long before the worker is there
  try {
    return [await taking, await code] as const;
  } catch (error) {
    await taking.then((worker) => worker.end()).catch(() => undefined);
    throw error;
  }
}

/** No worker was given the run (no process, no disk): it is tried again after its back-off, here or elsewhere. */
async function giveUp(run: ClaimedRun, context: AttemptContext, cause: unknown): Promise<void> {
  context.onEvent({ kind: 'trouble', what: `run ${run.id} could not be started`, error: cause });
  const message = `The attempt could not be started: ${cause instanceof Error ? cause.message : String(cause)}`;
  await context.writeEnd(run.queue, {
    gone: ProcessesGone.because('never_started'),
    runId: run.id, fence: run.fence, number: run.attempt, attemptLimit: run.attemptLimit,
    outcome: 'lost', cancelRequested: false, resultJson: null, error: { name: 'AttemptLost', message, stack: null },
    exitCode: null, signal: null, pid: null, peakMemoryBytes: null, lines: [],
  }).catch((error: unknown) => {
    // The runner's next look at what it holds finds it again.
    context.onEvent({ kind: 'trouble', what: `the end of run ${run.id} could not be stored`, error });
  });
}
