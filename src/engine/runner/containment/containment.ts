import type { ProcessesGone } from '../../core/processes-gone.ts';

/** Holds the processes of a runner's workers together, so that all of a worker's processes can be found and ended. `docs/containment.md` compares the mechanisms. */
export interface Containment {
  readonly mechanism: 'cgroup' | 'scan';
  /** The cgroup that holds all workers of this runner (never the runner itself), for the guard; null where there is none. */
  readonly cgroupPath: string | null;
  /** Called right after the worker was spawned. No code of a task may run in it before `ready` of the answer has resolved. */
  contain(workerId: string, pid: number): Container;
  /** How many workers could not be killed yet because killing itself failed. While there is one, nothing more may be started in its place. */
  unproven(): number;
  /** Gives back what the containment itself holds. Containers that are still in use keep working. */
  close(): void;
}

/** A worker and everything it has started. */
export interface Container {
  /** Resolves when the worker is contained (at once, or after up to 20 ms of waiting for the kernel); rejects when it cannot be: then end the worker. */
  readonly ready: Promise<void>;
  /** The living processes, zombies left out. */
  pids(): number[];
  /** Sends a signal to each living process. One that appears meanwhile may miss it: ending for sure is `killAll`. */
  signal(signal: NodeJS.Signals): void;
  /**
   * Ends every process and resolves only when all are known to be gone. Cheap when nothing is left. It never rejects and does not give up: a process that cannot be killed
   * (stuck in the kernel, or of another user) holds it until it is gone, and is named in the log; so does a kill that fails, as when no file can be opened.
   */
  killAll(): Promise<ProcessesGone>;
  /**
   * Memory of all processes: anonymous, shared and swapped-out pages. A quick sum that counts a page twice when two processes share it; when the
   * sum is over `confirmAbove`, shared pages are counted by their share (slower), so that forked processes are not blamed for one another's memory.
   */
  memoryBytes(confirmAbove?: number): number;
  /** Gives back what belongs to this container. Call it after `killAll`. */
  close(): void;
}

export type Log = (message: string) => void;

/** A worker that could not be killed, for others to try: in its cgroup's folder, where it has one. */
export interface UnkilledWorker {
  readonly workerId: string;
  readonly cgroupPath: string | null;
}

export interface ContainmentListener {
  readonly log: Log;
  /** Killing failed; it is tried again with growing pauses, and this is called each time. */
  readonly onUnkilled?: ((worker: UnkilledWorker, error: unknown) => void) | undefined;
  /** Its processes are known to be gone at last. */
  readonly onKilled?: ((worker: UnkilledWorker) => void) | undefined;
}
