import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { WorkerExit } from './worker-exit.ts';

/** A worker's process as the operating system gives it to the runner, however it was started. */
export interface WorkerIo {
  readonly pid: number;
  readonly channel: Socket;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the process itself is gone. */
  readonly exited: Promise<WorkerExit>;
  /** Resolves when the process itself is gone and all it had written was read. */
  readonly closed: Promise<WorkerExit>;
  /** To be called when its processes are known to be gone: whoever should say so may be unable to. */
  readonly findEnd?: () => Promise<void> | void;
}

/** What a worker gets of the runner's own environment. Nothing else: no credentials, no settings of Node. */
const inheritedVariables = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR'];

/** The environment of a worker, with the marks by which it and all that it starts are found. */
export function workerEnvironment(runnerId: string, workerId: string): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of inheritedVariables) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return { ...kept, CLOUDCODE_RUNNER: runnerId, CLOUDCODE_ATTEMPT: workerId };
}

/** The flags that a worker has in any case. The heap's limit can be set at the start only. */
export function workerFlags(memoryMb: number): readonly string[] {
  return [`--max-old-space-size=${memoryMb}`, '--inspect-port=127.0.0.1:0'];
}
