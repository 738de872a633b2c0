import type { ClaimedRun } from '../store/claim-runs.ts';
import { DeploymentDamaged } from './deployment-damaged.ts';
import type { AttemptContext } from './attempt-context.ts';
import { type AttemptStop, executeAttempt, type RunningAttempt } from './execute-attempt.ts';
import { giveUp } from './store-end.ts';
import type { Fitness } from './machine-fitness.ts';
import { readAgain, readTaskCode, type TaskCodeSources } from './task-code.ts';
import { needOf } from './worker-need.ts';
import type { WorkerPool } from './worker-pool.ts';
import type { WorkerProcess } from './worker-process.ts';

/** The runs that a runner holds: never more than it has slots. */
export interface RunSlots {
  /** How many more it may claim. */
  free(): number;
  /** How many it holds, those included whose processes are gone while their ends are being stored. */
  size(): number;
  /** Whether it has the attempt with this fence: of one run it may have an earlier one as well, which was superseded and whose processes are not gone yet. */
  holds(fence: string): boolean;
  /** Executes a claimed run; there is room for another when its processes are gone, and it is held until its end is stored. */
  fill(run: ClaimedRun): void;
  cancel(runId: string): void;
  /** Ends every attempt, also those that are only about to start. */
  endAll(stop: AttemptStop): void;
  /** Marks again what the attempts under way use of this machine's folders. @throws what the first that cannot be marked threw */
  markUsed(): Promise<void>;
  /** Resolves when no run is held. */
  idle(): Promise<void>;
}

interface Slot {
  readonly run: ClaimedRun;
  /** False when its processes are gone. */
  isAtWork: boolean;
  /** False until a worker has begun with the run. */
  hasBegun: boolean;
  /** As Fitness counts them, when it was claimed. */
  readonly trial: number;
  attempt: RunningAttempt | null;
  /** Null before one was taken. */
  worker: WorkerProcess | null;
  stop: AttemptStop | null;
}

export interface SlotOptions {
  readonly concurrency: number;
  readonly pool: WorkerPool;
  readonly code: TaskCodeSources;
  readonly context: AttemptContext;
  readonly fitness: Pick<Fitness, 'mayStart' | 'trials' | 'onBegun' | 'onFault'>;
  /** How many workers could not be killed yet: while there is one, nothing is claimed. */
  readonly unproven: () => number;
  readonly onFree: () => void;
}

/** Runs held, as a multiple of those at work: when ends are stored slowly, they must not pile up. */
const heldPerSlot = 2;

export function openSlots({
  concurrency,
  pool,
  code: sources,
  context,
  fitness,
  unproven,
  onFree,
}: SlotOptions): RunSlots {
  /** By the fences of their attempts. */
  const slots = new Map<string, Slot>();
  let waiters: (() => void)[] = [];

  const endSlot = (slot: Slot, stop: AttemptStop): void => {
    slot.stop ??= stop;
    slot.attempt?.end(stop);
  };
  const execute = async (slot: Slot): Promise<void> => {
    const { run } = slot;
    const code = run.keyFault === null ? readTaskCode(run, sources) : Promise.reject(new Error(run.keyFault));
    const taken = await takeBoth(pool, run, code).catch((error: unknown) => ({ error }));
    if ('error' in taken) {
      const isMachineFault = !(taken.error instanceof DeploymentDamaged);
      if (isMachineFault) fitness.onFault(taken.error);
      leaveWork(slot);
      return giveUp(run, context, { cause: taken.error, isMachineFault });
    }
    const [worker, taskCode] = taken;
    slot.worker = worker;
    slot.attempt = executeAttempt(run, worker, taskCode, context);
    if (slot.stop !== null) slot.attempt.end(slot.stop);
    void slot.attempt.begun.then((hasBegun) => {
      slot.hasBegun = hasBegun;
      if (hasBegun) fitness.onBegun();
    });
    void slot.attempt.fault.then((fault) => {
      if (fault !== null) fitness.onFault(fault);
    });
    void slot.attempt.gone.then(() => leaveWork(slot));
    await slot.attempt.done;
  };
  const leaveWork = (slot: Slot): void => {
    slot.isAtWork = false;
    onFree();
  };
  const free = (): number => {
    if (unproven() > 0) return 0;
    const atWork = [...slots.values()].filter(({ isAtWork }) => isAtWork);
    const starting = atWork.filter(({ hasBegun, trial }) => !hasBegun && trial === fitness.trials()).length;
    return Math.min(concurrency - atWork.length, mayHold(), fitness.mayStart() - starting);
  };
  const mayHold = (): number => heldPerSlot * concurrency - slots.size;
  const release = (slot: Slot): void => {
    const freesSlot = slot.isAtWork || mayHold() === 0;
    slots.delete(slot.run.fence);
    if (slots.size === 0) {
      for (const resolve of waiters) resolve();
      waiters = [];
    }
    if (freesSlot) onFree();
  };
  return {
    free,
    size: () => slots.size,
    holds: (fence) => slots.has(fence),
    fill(run) {
      const slot: Slot = {
        run,
        isAtWork: true,
        hasBegun: false,
        trial: fitness.trials(),
        attempt: null,
        worker: null,
        stop: null,
      };
      slots.set(run.fence, slot);
      void execute(slot)
        .catch(async (error: unknown) => {
          context.onEvent({ kind: 'trouble', what: `the attempt of run ${run.id} ended out of order`, error });
          // It is held until its processes are known to be gone. Then the runner's next look at what it holds finds the run again, and ends it.
          await slot.worker?.end();
        })
        .finally(() => release(slot));
    },
    cancel(runId) {
      for (const slot of slots.values())
        if (slot.run.id === runId)
          endSlot(slot, { kind: 'cancelled', why: 'The run was cancelled.', cancelRequested: true });
    },
    endAll(stop) {
      for (const slot of slots.values()) endSlot(slot, stop);
    },
    markUsed: () =>
      readAgain(
        [...slots.values()].map(({ run }) => run),
        sources,
      ),
    idle: () => (slots.size === 0 ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve))),
  };
}

/** Both, or neither: a worker for which there is nothing to do waits again. */
async function takeBoth<Code>(pool: WorkerPool, run: ClaimedRun, code: Promise<Code>) {
  const taking = pool.take(needOf(run));
  code.catch(() => undefined); // it may fail long before the worker is there
  try {
    return [await taking, await code] as const;
  } catch (error) {
    await taking.then((worker) => pool.giveBack(worker)).catch(() => undefined);
    throw error;
  }
}
