import { afterTake, maxWaiting, nextForgetting, noDemand, wantedWorkers } from './pool-demand.ts';
import { afterStart, replaceMs, sparesAtOnce, type StartPace } from './start-pace.ts';
import type { WorkerKind, WorkerStarter } from './start-worker.ts';
import type { WorkerNeed } from './worker-need.ts';
import type { WorkerProcess } from './worker-process.ts';
import { availableParallelism } from 'node:os';

export interface WorkerPool extends AsyncDisposable {
  /** A worker for a task: a waiting one, else a new one. */
  take(need: WorkerNeed): Promise<WorkerProcess>;
  /** A worker that was taken and sent nothing waits again. */
  giveBack(worker: WorkerProcess): Promise<void>;
  /** Starts workers that should wait, as many as may be starting now, and ends those that should not. */
  refill(): void;
  /** Ends the waiting workers. */
  close(): Promise<void>;
}

/** What decides how many workers wait, besides what is taken. */
export interface PoolMachine {
  readonly processors: number;
  readonly availableBytes: () => number;
  /** Milliseconds of a clock that is never set. */
  readonly now: () => number;
}

export interface PoolOptions {
  readonly starter: WorkerStarter;
  /** How many runs there are at a time, at most. */
  readonly concurrency: number;
  /** What is expected to be needed first. */
  readonly need: WorkerNeed;
  readonly machine: PoolMachine;
  readonly onTrouble: (error: unknown) => void;
}

/** To spawn a process holds up the event loop for milliseconds: the run that took a worker goes first. To ask the fork server for one does not. */
const refillAfterMs = (kind: WorkerKind): number => (kind.isForked ? 0 : 10);

/** Has as many workers wait as the last minutes tell (pool-demand.ts), by kind, because the heap's limit is a start flag, and some variables are read at the start only. docs/decisions/waiting-pool.md says why so. */
export function openWorkerPool({ starter, concurrency, machine, ...options }: PoolOptions): WorkerPool {
  const waiting = new Set<WorkerProcess>();
  /** Those that have not loaded yet. */
  const starting = new Set<WorkerProcess>();
  const paces = new Map<boolean, StartPace>();
  const paceOf = ({ isForked }: WorkerKind): StartPace | null => paces.get(isForked) ?? null;
  const known = knowNeeds();
  let demand = noDemand(known(options.need));
  let closed = false;

  const start = (kind: WorkerKind): WorkerProcess => {
    const began = machine.now();
    const worker = starter.start(kind);
    starting.add(worker);
    void worker.loaded.then((isLoaded) => {
      starting.delete(worker);
      if (!isLoaded) return;
      paces.set(kind.isForked, afterStart(paceOf(kind), machine.now() - began));
      if (refilling === null) refill();
    });
    return worker;
  };
  const haveWait = (worker: WorkerProcess): void => {
    waiting.add(worker);
    worker.exited.then(
      () => waiting.delete(worker),
      () => undefined,
    ); // one that never was is told of when it is not ready
  };
  /** False when no process is to be had now (the limit of processes, no memory): the next run that needs one asks again and says so. */
  const addWaiting = (kind: WorkerKind): boolean => {
    try {
      const worker = start(kind);
      haveWait(worker);
      worker.ready.catch((error: unknown) => {
        if (waiting.delete(worker)) options.onTrouble(error);
      });
      return true;
    } catch (error) {
      options.onTrouble(error);
      return false;
    }
  };
  const discard = async (worker: WorkerProcess): Promise<void> => {
    waiting.delete(worker);
    await worker.end();
  };
  const mayStart = (kind: WorkerKind): boolean => {
    const spares = [...waiting].filter((worker) => starting.has(worker)).length;
    return spares < sparesAtOnce(paceOf(kind), { processors: machine.processors, anyWaits: waiting.size > spares });
  };
  const waitingOf = (kind: WorkerKind): readonly WorkerProcess[] => [...waiting].filter((worker) => isOf(worker, kind));

  const refill = (): void => {
    if (closed) return;
    const at = machine.now();
    const wanted = wantedWorkers(demand, { at, max: maxWaiting(concurrency, machine.availableBytes()) });
    const kinds = countKinds([...wanted].map(([need, count]) => ({ kind: starter.kindFor(need), count })));
    const kept = new Set(kinds.flatMap(({ kind, count }) => waitingOf(kind).slice(0, count)));
    for (const worker of waiting) if (!kept.has(worker)) void discard(worker);
    for (const { kind, count } of kinds) {
      for (let missing = count - waitingOf(kind).length; missing > 0 && mayStart(kind); missing -= 1) {
        if (!addWaiting(kind)) return;
      }
    }
    shrinkAt(nextForgetting(demand, at));
  };
  let refilling: NodeJS.Timeout | null = null;
  const refillAfter = (ms: number): void => {
    if (closed) return;
    refilling ??= setTimeout(() => {
      refilling = null;
      refill();
    }, ms);
  };
  let shrinking: NodeJS.Timeout | null = null;
  const shrinkAt = (at: number | null): void => {
    if (shrinking !== null) clearTimeout(shrinking);
    shrinking = at === null ? null : setTimeout(refill, at - machine.now()).unref();
  };
  refill();

  const close = async (): Promise<void> => {
    closed = true;
    if (refilling !== null) clearTimeout(refilling);
    shrinkAt(null);
    await Promise.all([...waiting].map(discard));
  };
  return {
    async take(need) {
      const kind = starter.kindFor(need);
      demand = afterTake(demand, { need: known(need), at: machine.now(), spanMs: replaceMs(paceOf(kind)) });
      const living = waitingOf(kind).filter((worker) => !worker.hasExited);
      const worker = living.find((each) => !starting.has(each)) ?? living[0] ?? start(kind);
      waiting.delete(worker);
      refillAfter(refillAfterMs(kind));
      if (!kind.isForked) return whenReady(worker);
      return whenReady(worker).catch((error: unknown) => {
        options.onTrouble(error);
        return whenReady(start({ ...kind, isForked: false }));
      });
    },
    async giveBack(worker) {
      if (closed || worker.hasExited) return discard(worker);
      haveWait(worker);
    },
    refill,
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface KindCount {
  readonly kind: WorkerKind;
  readonly count: number;
}

/** Needs that the same kind of worker meets now are counted together: a fork server that is ready, or gone, changes which those are. */
function countKinds(counts: readonly KindCount[]): readonly KindCount[] {
  return counts.reduce<readonly KindCount[]>((sums, { kind, count }) => {
    const same = sums.find((each) => isOf(each.kind, kind));
    return same === undefined
      ? [...sums, { kind, count }]
      : sums.map((each) => (each === same ? { kind, count: each.count + count } : each));
  }, []);
}

/** One object for all needs that are alike. */
function knowNeeds(): (need: WorkerNeed) => WorkerNeed {
  const known = new Map<string, WorkerNeed>();
  return (need) => {
    const name = `${need.memoryMb} ${need.workerStart} ${need.startVariables}`;
    const found = known.get(name) ?? need;
    known.set(name, found);
    return found;
  };
}

function isOf(worker: WorkerKind, kind: WorkerKind): boolean {
  return (
    worker.memoryMb === kind.memoryMb &&
    worker.isForked === kind.isForked &&
    worker.startVariables === kind.startVariables
  );
}

async function whenReady(worker: WorkerProcess): Promise<WorkerProcess> {
  try {
    await worker.ready;
    return worker;
  } catch (error) {
    await worker.end();
    throw error;
  }
}

/** To ask for it reads several files, which costs a tenth of a millisecond. */
const memoryLookMs = 1_000;

export function thisMachine(): PoolMachine {
  let lookedAt = -Infinity;
  let bytes = 0;
  return {
    processors: availableParallelism(),
    availableBytes() {
      const now = performance.now();
      if (now - lookedAt >= memoryLookMs) {
        lookedAt = now;
        bytes = process.availableMemory();
      }
      return bytes;
    },
    now: () => performance.now(),
  };
}
