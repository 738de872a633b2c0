import { setTimeout as delay } from 'node:timers/promises';
import type { Log, UnkilledWorker } from './containment.ts';
import { type GuardProcess, startGuardProcess } from './guard-process.ts';
import { messageOf } from '../../core/thrown.ts';

/** A guard that lived this long counts as one that works: the next is started at once. */
const settledAfterMs = 10_000;
const slowestRestartMs = 5_000;
/** A guard that has left so many deadlines unanswered is stopped or starved, and another takes its place. */
const maxUnanswered = 2;

/** The process that ends the workers when their runner cannot. */
export interface Guard extends AsyncDisposable {
  /** Null while a new one is being started. */
  readonly pid: number | null;
  /**
   * Names the time of the boot clock at which the workers must be ended, unless a later one is named before. Resolves when a guard holds it, and has ended what it was ending: it
   * lets live what is started from then on.
   */
  hold(deadline: number): Promise<void>;
  /** Asks it to end a worker, and returns at once: whether that is gone is for the runner to see. Without effect while a new guard is being started. */
  killWorker(worker: UnkilledWorker): void;
  /** An orderly end: call it when all workers are gone. */
  stop(): Promise<void>;
}

interface GuardOptions {
  readonly runnerId: string;
  readonly cgroupPath: string | null;
  readonly log: Log;
}

interface Deadline {
  readonly at: number;
  readonly isHeld: () => void;
}

/**
 * Starts the guard and resolves when it watches. It ends all workers within a second of this process's death, however that comes, and at the deadline. Should the guard itself
 * die or be stopped, another is started at once, and with growing pauses of up to 5 s while they keep dying. Rejects when the first does not start.
 */
export async function startGuard({ runnerId, cgroupPath, log }: GuardOptions): Promise<Guard> {
  let unanswered: readonly Deadline[] = [];
  let last: number | null = null;
  const start = async (): Promise<GuardProcess> => {
    const guard = await startGuardProcess({
      runnerId,
      cgroupPath,
      onReport(report) {
        if (report.kind === 'trouble') return log(`The guard could not end a worker yet: ${report.why}`);
        if (report.kind !== 'holding') return;
        for (const each of unanswered) if (each.at <= report.deadline) each.isHeld();
        unanswered = unanswered.filter((each) => each.at > report.deadline);
      },
    });
    if (last !== null) guard.hold(last);
    return guard;
  };
  let guard: GuardProcess | null = await start();
  const stopping = new AbortController();
  const isStopping = (): boolean => stopping.signal.aborted;
  const replacing = replaceWhenLost();

  async function replaceWhenLost(): Promise<void> {
    for (let failures = 0; ;) {
      const startedAt = performance.now();
      if (isStopping()) return; // `stop` ends the one that has just been started
      await guard?.exited;
      guard = null;
      if (isStopping()) return;
      failures = performance.now() - startedAt > settledAfterMs ? 0 : failures + 1;
      const pauseMs = failures <= 1 ? 0 : Math.min(100 * 2 ** (failures - 2), slowestRestartMs);
      log(
        `The guard process ended, although its runner lives. Another one is started${pauseMs === 0 ? '' : ` in ${pauseMs} ms`}.`,
      );
      const isStopped = await delay(pauseMs, false, { signal: stopping.signal, ref: false }).catch(() => true);
      if (isStopped) return;
      guard = await start().catch((error: unknown) => {
        log(`The guard process did not start: ${messageOf(error)}`);
        return null;
      });
    }
  }

  const stop = async (): Promise<void> => {
    stopping.abort();
    await guard?.end();
    await replacing;
    // One that was being started meanwhile.
    await guard?.end();
  };
  return {
    get pid() {
      return guard?.pid ?? null;
    },
    hold(deadline) {
      last = deadline;
      if (unanswered.length >= maxUnanswered) guard?.kill();
      const held = new Promise<void>((isHeld) => (unanswered = [...unanswered, { at: deadline, isHeld }]));
      guard?.hold(deadline);
      return held;
    },
    killWorker: (worker) => guard?.killWorker(worker),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
