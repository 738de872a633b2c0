import { exitOf, type WorkerExit } from '../worker-exit.ts';

/** How a child of this process has ended, as of `waitpid`; -1 while it lives, -2 when it is no child (any more). Each is told of once. */
export type Collect = (pid: number) => number;

interface Child {
  readonly collect: Collect;
  readonly onEnd: (exit: WorkerExit) => void;
}

/** One map for the process, as its signals are. libuv collects the children that it has started, and no others. */
const children = new Map<number, Child>();
let listens = false;
/** Keeps the process while it has such a child, as node:child_process does. */
let keeper: NodeJS.Timeout | null = null;
const maxTimerMs = 2 ** 31 - 1;

export interface EndOfChild {
  readonly exited: Promise<WorkerExit>;
  /** Looks whether it has ended. */
  readonly look: () => void;
}

/** Tells when a child has ended. To be called before it is started, so that its end is not missed. */
export function awaitEnd(collect: Collect): { of(pid: number): EndOfChild } {
  if (!listens) process.on('SIGCHLD', lookAtAll);
  listens = true;
  return {
    of(pid) {
      const ended = Promise.withResolvers<WorkerExit>();
      children.set(pid, { collect, onEnd: ended.resolve });
      keeper ??= setInterval(lookAtAll, maxTimerMs);
      return { exited: ended.promise, look: () => lookAt(pid) };
    },
  };
}

function lookAtAll(): void {
  // One signal may stand for several ends.
  for (const pid of children.keys()) lookAt(pid);
}

function lookAt(pid: number): void {
  const child = children.get(pid);
  if (child === undefined) return;
  const status = child.collect(pid);
  if (status === -1) return;
  children.delete(pid);
  if (children.size === 0 && keeper !== null) {
    clearInterval(keeper);
    keeper = null;
  }
  // Somebody else has collected it: that it ended is all that is known.
  child.onEnd(status === -2 ? { code: null, signal: 'SIGKILL' } : exitOf(status));
}
