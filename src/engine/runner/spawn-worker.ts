import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { workerStartFile } from './compiled-workers.ts';
import type { NativeSpawner, Program } from './spawn/native-spawner.ts';
import type { WorkerExit } from './worker-exit.ts';
import { workerEnvironment, workerFlags, type WorkerIo } from './worker-io.ts';

export interface WorkerStart {
  readonly runnerId: string;
  readonly workerId: string;
  readonly memoryMb: number;
  /** JSON; empty for none. */
  readonly startVariables: string;
  readonly folder: string;
  /** Of CompiledWorkers; none: the worker compiles its code itself. */
  readonly compiled: readonly string[];
  /** None: Node starts it. */
  readonly native: NativeSpawner | null;
}

/** Starts a Node process for a worker. Rejects, or throws, when the operating system gives none. */
export function spawnWorker({
  runnerId,
  workerId,
  memoryMb,
  startVariables,
  folder,
  compiled,
  native,
}: WorkerStart): WorkerIo | Promise<never> {
  const program: Program = {
    file: process.execPath,
    arguments: [...workerFlags(memoryMb), workerStartFile, ...compiled],
    environment: {
      ...workerEnvironment(runnerId, workerId),
      ...(startVariables === '' ? {} : (JSON.parse(startVariables) as Record<string, string>)),
    },
    folder,
  };
  return native === null ? spawnByNode(program) : native.spawn(program);
}

function spawnByNode({ file, arguments: given, environment, folder }: Program): WorkerIo | Promise<never> {
  const child = spawn(file, given, {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: environment,
    cwd: folder,
    // A session and group of its own: a Ctrl-C at the terminal is for the runner, and the group can be ended at one instant.
    detached: true,
  }) as ChildProcessByStdio<null, Readable, Readable>;
  const { pid, stdout, stderr } = child;
  // Without a process (EAGAIN, EMFILE) there may be no streams either.
  if (pid === undefined) return once(child, 'error').then(([error]) => Promise.reject(error as Error));
  const exited = new Promise<WorkerExit>((resolve, reject) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', reject);
  });
  exited.catch(() => undefined);
  const closed = new Promise<WorkerExit>((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  const channel = child.stdio[3] as Socket;
  return { pid, channel, stdout, stderr, exited, closed };
}
