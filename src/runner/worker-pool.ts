import type { WorkerKind, WorkerStarter } from './start-worker.ts';
import type { WorkerProcess } from './worker-process.ts';

export interface WorkerPool extends AsyncDisposable {
  /** A worker for a task of this size: a waiting one, else a new one. */
  take(memoryMb: number): Promise<WorkerProcess>;
  /** Starts as many workers as should wait. */
  refill(): void;
  /** Ends the waiting workers. */
  close(): Promise<void>;
}

export interface PoolOptions {
  readonly starter: WorkerStarter;
  /** How many workers wait. */
  readonly size: number;
  /** The size of task that is expected first. */
  readonly memoryMb: number;
  readonly onTrouble: (error: unknown) => void;
}

/** Starting a process holds up the event loop for milliseconds: the run that took a worker goes first. */
const refillAfterMs = 10;

/** The heap's limit is a start flag, so workers wait by size; as many of each size wait as of the last `size` runs had it. */
export function openWorkerPool({ starter, ...options }: PoolOptions): WorkerPool {
  const waiting = new Set<WorkerProcess>();
  let recentSizes: readonly number[] = Array.from({ length: options.size }, () => options.memoryMb);
  let closed = false;

  const addWaiting = (kind: WorkerKind): void => {
    const worker = tryStart(kind);
    if (worker === null) return;
    waiting.add(worker);
    const remove = (): void => void waiting.delete(worker);
    worker.exited.then(remove, remove);
    worker.ready.catch((error: unknown) => {
      if (waiting.delete(worker)) options.onTrouble(error);
    });
  };
  // No process to be had now (the limit of processes, no memory): the next run that needs one asks again and says so.
  const tryStart = (kind: WorkerKind): WorkerProcess | null => {
    try {
      return starter.start(kind);
    } catch (error) {
      options.onTrouble(error);
      return null;
    }
  };
  const discard = async (worker: WorkerProcess): Promise<void> => {
    waiting.delete(worker);
    await worker.end();
  };
  const refill = (): void => {
    if (closed) return;
    const kinds = [...new Set(recentSizes)].map((memoryMb) => starter.kindFor(memoryMb));
    for (const kind of kinds) {
      const wanted = recentSizes.filter((size) => size === kind.memoryMb).length;
      const there = [...waiting].filter((worker) => isOf(worker, kind)).length;
      for (let missing = wanted - there; missing > 0; missing -= 1) addWaiting(kind);
    }
    for (const worker of waiting) {
      if (!kinds.some((kind) => isOf(worker, kind))) void discard(worker);
    }
  };
  refill();
  let refilling: NodeJS.Timeout | null = null;
  const refillSoon = (): void => {
    refilling ??= setTimeout(() => {
      refilling = null;
      refill();
    }, refillAfterMs);
  };

  const close = async (): Promise<void> => {
    closed = true;
    if (refilling !== null) clearTimeout(refilling);
    await Promise.all([...waiting].map(discard));
  };
  return {
    async take(memoryMb) {
      recentSizes = [...recentSizes.slice(1), memoryMb];
      const kind = starter.kindFor(memoryMb);
      const found = [...waiting].find((worker) => isOf(worker, kind) && !worker.hasExited);
      const worker = found ?? starter.start(kind);
      waiting.delete(worker);
      refillSoon();
      if (!kind.isForked) return whenReady(worker);
      return whenReady(worker).catch((error: unknown) => {
        options.onTrouble(error);
        return whenReady(starter.start({ memoryMb, isForked: false }));
      });
    },
    refill,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function isOf(worker: WorkerProcess, kind: WorkerKind): boolean {
  return worker.memoryMb === kind.memoryMb && worker.isForked === kind.isForked;
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
