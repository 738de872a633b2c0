import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { CloudCodeError } from '../../core/errors.ts';
import { packageRoot } from '../../package-root.ts';
import type { Log } from './containment.ts';

const readyWithinMs = 10_000;
const endWithinMs = 2_000;
/** A guard that lived this long counts as one that works: the next is started at once. */
const settledAfterMs = 10_000;
const slowestRestartMs = 5_000;

/** Memory stays small and nothing is compiled in the background: it waits nearly all its life. */
const guardFlags = ['--max-old-space-size=16', '--max-semi-space-size=1', '--v8-pool-size=0'];

/** The process that ends the workers when their runner cannot. */
export interface Guard extends AsyncDisposable {
  /** Null while a new one is being started. */
  readonly pid: number | null;
  /** An orderly end: call it when all workers are gone. */
  stop(): Promise<void>;
}

interface GuardOptions {
  readonly runnerId: string;
  readonly cgroupPath: string | null;
  readonly log: Log;
}

/**
 * Starts the guard and resolves when it watches. It ends all workers within a second of this process's death, however that comes. Should the guard itself die, another is
 * started at once, and with growing pauses of up to 5 s while they keep dying. Rejects when the first does not start.
 */
export async function startGuard(options: GuardOptions): Promise<Guard> {
  let child: ChildProcess | null = await startWatching(options);
  const stopping = new AbortController();
  const isStopping = (): boolean => stopping.signal.aborted;
  const replacing = replaceWhenLost();

  async function replaceWhenLost(): Promise<void> {
    for (let failures = 0; ; ) {
      const startedAt = performance.now();
      if (isStopping()) return; // `stop` ends the one that has just been started
      if (child !== null) await exitOf(child);
      child = null;
      if (isStopping()) return;
      failures = performance.now() - startedAt > settledAfterMs ? 0 : failures + 1;
      const pauseMs = failures <= 1 ? 0 : Math.min(100 * 2 ** (failures - 2), slowestRestartMs);
      options.log(`The guard process ended, although its runner lives. Another one is started${pauseMs === 0 ? '' : ` in ${pauseMs} ms`}.`);
      const isStopped = await delay(pauseMs, false, { signal: stopping.signal, ref: false }).catch(() => true);
      if (isStopped) return;
      child = await startWatching(options).catch((error: unknown) => {
        options.log(`The guard process did not start: ${error instanceof Error ? error.message : String(error)}`);
        return null;
      });
    }
  }

  const stop = async (): Promise<void> => {
    stopping.abort();
    const last = child;
    if (last !== null) await end(last);
    await replacing;
    // One that was being started meanwhile.
    if (child !== null) await end(child);
  };
  return {
    get pid() {
      return child?.pid ?? null;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function startWatching({ runnerId, cgroupPath }: GuardOptions): Promise<ChildProcess> {
  const child = spawn(process.execPath, [...guardFlags, join(packageRoot, 'dist/guard.cjs'), runnerId, cgroupPath ?? ''], {
    stdio: ['pipe', 'pipe', 'ignore'],
    // A session of its own: Ctrl-C in the runner's terminal does not reach it.
    detached: true,
    cwd: '/',
    // Nothing of ours, and above all not CLOUDCODE_RUNNER: it would end itself. The name is for people who look at it.
    env: { CLOUDCODE_GUARD_OF: runnerId },
  });
  child.on('error', () => undefined); // no process could be started: the wait below tells
  child.stdin.on('error', () => undefined); // EPIPE: it died, which its exit tells
  const timeout = AbortSignal.timeout(readyWithinMs);
  try {
    await Promise.race([
      once(child.stdout, 'data', { signal: timeout }),
      once(child, 'exit', { signal: timeout }).then(([code, signal]) => {
        throw new Error(`it ended with ${String(signal ?? code)}`);
      }),
    ]);
  } catch (cause) {
    child.kill('SIGKILL');
    throw new CloudCodeError('guard_failed', `The guard process did not start: ${cause instanceof Error ? cause.message : String(cause)}.`, {
      hint: 'It is dist/guard.cjs of the cloudcode package, run by the same Node. In a clone of the repository, `npm run build` makes it.',
      cause,
    });
  }
  // Neither the guard nor the pipe to it keeps a runner alive that has nothing more to do.
  child.stdout.destroy();
  child.unref();
  (child.stdin as Writable & { unref?: () => void }).unref?.();
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  child.ref();
  child.stdin?.end('end\n');
  const timer = setTimeout(() => child.kill('SIGKILL'), endWithinMs);
  await exitOf(child);
  clearTimeout(timer);
}

async function exitOf(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
