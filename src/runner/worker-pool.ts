import type { Containment } from './containment/containment.ts';
import { WorkerProcess } from './worker-process.ts';

export interface WorkerPool extends AsyncDisposable {
  /** A worker for a task of this size: a waiting one, else a new one. */
  take(memoryMb: number): Promise<WorkerProcess>;
  /** Starts as many workers as should wait. */
  refill(): void;
  /** Ends the waiting workers. */
  close(): Promise<void>;
}

export interface PoolOptions {
  readonly runnerId: string;
  readonly containment: Containment;
  readonly folder: string;
  /** How many workers wait. */
  readonly size: number;
  /** The size of task that is expected first. */
  readonly memoryMb: number;
  readonly onTrouble: (error: unknown) => void;
}

/** Starting a process holds up the event loop for milliseconds: the run that took a worker goes first. */
const refillAfterMs = 10;

/** The heap's limit is a start flag, so workers wait by size; as many of each size wait as of the last `size` runs had it. */
export function openWorkerPool(options: PoolOptions): WorkerPool {
  const waiting = new Set<WorkerProcess>();
  let recentSizes: readonly number[] = Array.from({ length: options.size }, () => options.memoryMb);
  let closed = false;

  const spawnWorker = (memoryMb: number): WorkerProcess => new WorkerProcess({ ...options, memoryMb });
  const addWaiting = (memoryMb: number): void => {
    const worker = trySpawn(memoryMb);
    if (worker === null) return;
    waiting.add(worker);
    const remove = (): void => void waiting.delete(worker);
    worker.exited.then(remove, remove);
  };
  // No process to be had now (the limit of processes, no memory): the next run that needs one asks again and says so.
  const trySpawn = (memoryMb: number): WorkerProcess | null => {
    try {
      return spawnWorker(memoryMb);
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
    for (const memoryMb of new Set(recentSizes)) {
      const wanted = recentSizes.filter((size) => size === memoryMb).length;
      const there = [...waiting].filter((worker) => worker.memoryMb === memoryMb).length;
      for (let missing = wanted - there; missing > 0; missing -= 1) addWaiting(memoryMb);
    }
    for (const worker of waiting) {
      if (!recentSizes.includes(worker.memoryMb)) void discard(worker);
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
      const found = [...waiting].find((worker) => worker.memoryMb === memoryMb && !worker.hasExited);
      const worker = found ?? spawnWorker(memoryMb);
      waiting.delete(worker);
      refillSoon();
      await worker.container.ready.catch(async (error: unknown) => {
        await worker.end();
        throw error;
      });
      return worker;
    },
    refill,
    close,
    [Symbol.asyncDispose]: close,
  };
}
