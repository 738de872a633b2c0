import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename, join } from 'node:path';
import { CloudCodeError } from '../../core/errors.ts';
import { packageRoot } from '../../../package-root.ts';
import { type GuardReport, lineSplitter, parseGuardReport } from '../../protocol/guard-lines.ts';
import type { UnkilledWorker } from './containment.ts';
import { messageOf } from '../../core/thrown.ts';

const readyWithinMs = 10_000;
const endWithinMs = 2_000;

/** Memory stays small and nothing is compiled in the background: it waits nearly all its life. */
const guardFlags = ['--max-old-space-size=16', '--max-semi-space-size=1', '--v8-pool-size=0'];

/** One guard process. It keeps no runner alive that has nothing more to do. */
export interface GuardProcess {
  readonly pid: number;
  readonly exited: Promise<unknown>;
  hold(deadline: number): void;
  /** Asks it to end a worker. */
  killWorker(worker: UnkilledWorker): void;
  kill(): void;
  /** An orderly end. */
  end(): Promise<void>;
}

interface GuardedRunner {
  readonly runnerId: string;
  readonly cgroupPath: string | null;
  onReport(report: GuardReport): void;
}

/** Starts a guard and resolves when it watches. @throws CloudCodeError `guard_failed` */
export async function startGuardProcess({ runnerId, cgroupPath, onReport }: GuardedRunner): Promise<GuardProcess> {
  const child = spawn(
    process.execPath,
    [...guardFlags, join(packageRoot, 'dist/guard.cjs'), runnerId, cgroupPath ?? ''],
    {
      stdio: ['pipe', 'pipe', 'ignore'],
      // A session of its own: Ctrl-C in the runner's terminal does not reach it.
      detached: true,
      cwd: '/',
      // Nothing of ours, and above all not CLOUDCODE_RUNNER: it would end itself. The name is for people who look at it.
      env: { CLOUDCODE_GUARD_OF: runnerId },
    },
  );
  child.on('error', () => undefined); // no process could be started: the wait below tells
  child.stdin.on('error', () => undefined); // EPIPE: it died, which its exit tells
  const exited = exitOf(child);
  const ready = Promise.withResolvers<null>();
  const onText = lineSplitter((line) => {
    const report = parseGuardReport(line);
    if (report?.kind === 'ready') ready.resolve(null);
    else if (report !== null) onReport(report);
  });
  child.stdout.setEncoding('utf8').on('data', onText);
  await watching(child, ready.promise);
  child.unref();
  for (const stream of [child.stdin, child.stdout]) (stream as { unref?: () => void }).unref?.();
  return {
    pid: child.pid ?? 0,
    exited,
    hold: (deadline) => void child.stdin.write(`hold ${deadline}\n`),
    killWorker: ({ workerId, cgroupPath }) =>
      void child.stdin.write(`kill ${workerId} ${cgroupPath === null ? '' : basename(cgroupPath)}\n`),
    kill: () => void child.kill('SIGKILL'),
    async end() {
      child.ref();
      child.stdin.end('end\n');
      const timer = setTimeout(() => child.kill('SIGKILL'), endWithinMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

async function watching(child: ChildProcess, ready: Promise<null>): Promise<void> {
  const timeout = AbortSignal.timeout(readyWithinMs);
  try {
    const ended = await Promise.race([ready, once(child, 'exit', { signal: timeout })]);
    if (ended !== null) throw new Error(`it ended with ${String(ended[1] ?? ended[0])}`);
  } catch (cause) {
    child.kill('SIGKILL');
    throw new CloudCodeError('guard_failed', `The guard process did not start: ${messageOf(cause)}.`, {
      hint: 'It is dist/guard.cjs of the cloudcode package, run by the same Node. In a clone of the repository, `npm run build` makes it.',
      cause,
    });
  }
}

async function exitOf(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await new Promise((resolve) => child.once('exit', resolve));
}
