import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { packageRoot } from '../../package-root.ts';
import { type BuildJob, messageDescriptor } from './messages.ts';
import { messageOf } from '../../engine/core/thrown.ts';

// With V8's own, much of a short build goes into collecting what is still small.
const flags = ['--min-semi-space-size=16'];
const program = join(packageRoot, 'dist/build.js');

/** The process of one build. */
export interface BuildProcess {
  readonly child: ChildProcess;
  /** Resolves when it and what it had to tell have come to their end: to how it ended. */
  readonly ended: Promise<string>;
  begin(job: BuildJob): void;
  /** Ends it, and all that it has started. */
  end(): void;
}

/** @throws CloudCodeError `build_failed` when the operating system gives no process */
export async function startBuildProcess(): Promise<BuildProcess> {
  return started(await spawned([]));
}

/** A process that has loaded what a build takes, for those who build again and again. */
export interface StandbyBuild {
  /** Starts one when there is none. It may be `null` the next time all the same: then the build starts its own. */
  prepare(): void;
  /** It is the taker's then. Null where there is none. */
  take(): BuildProcess | null;
  close(): Promise<void>;
}

interface Awaited {
  /** Of the project that will be built: absolute. */
  readonly folder: string;
  /** As of `buildApart`. */
  readonly cache?: string | undefined;
}

export function standbyBuild({ folder, cache = join(folder, '.cloudcode') }: Awaited): StandbyBuild {
  let waiting: BuildProcess | null = null;
  let starting: Promise<void> | null = null;
  let isClosed = false;
  const start = async (): Promise<void> => {
    const next = started(await spawned([folder, cache]));
    // It tells nothing before it begins, and its end is not seen while nobody reads.
    (next.child.stdio[messageDescriptor] as Readable).resume();
    if (isClosed) next.end();
    else waiting = next;
    // Whatever has ended it: the next build starts its own.
    void next.ended.then(() => {
      if (waiting === next) waiting = null;
    });
  };
  return {
    prepare() {
      if (isClosed || waiting !== null || starting !== null) return;
      starting = start()
        .catch(() => undefined)
        .finally(() => (starting = null));
    },
    take() {
      const taken = waiting;
      waiting = null;
      return taken;
    },
    async close() {
      isClosed = true;
      await starting;
      waiting?.end();
      await waiting?.ended;
    },
  };
}

/** @param warmUpFor the folder of a project and its cache; none for a build that begins at once */
async function spawned(warmUpFor: readonly string[]): Promise<ChildProcess> {
  try {
    // In a process group of its own, so that all that it starts can be ended along with it.
    const child = spawn(process.execPath, [...flags, program, String(process.pid), ...warmUpFor], {
      stdio: ['pipe', 2, 2, 'pipe'],
      detached: true,
    });
    // The operating system gave no process (EAGAIN, EMFILE): it has no streams then, and says so by an event a little later.
    if (child.pid === undefined) throw (await once(child, 'error'))[0];
    return child;
  } catch (error) {
    throw new CloudCodeError('build_failed', `The process of the build could not be started: ${messageOf(error)}.`, {
      hint: 'The machine has no process or no file left; look at the limits of this user (ulimit -a).',
      cause: error,
    });
  }
}

function started(child: ChildProcess): BuildProcess {
  // One that has ended reads nothing: how it ended is told by that.
  child.stdin?.on('error', () => undefined);
  const ended = new Promise<string>((resolve) => {
    child.once('close', (code, signal) =>
      resolve(signal === null ? `ended with exit code ${code ?? 'unknown'}` : `was ended by ${signal}`),
    );
  });
  return { child, ended, begin: (job) => void child.stdin?.end(JSON.stringify(job)), end: () => endGroup(child) };
}

function endGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}
