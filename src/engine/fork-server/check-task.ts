import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

/** What a worker says of itself, for the fork server's self-check. */
export interface CheckAnswer {
  readonly pid: number;
  readonly kernelPid: number;
  readonly childPpid: number;
  /** Of each source, the first that it gives. */
  readonly random: readonly string[];
}

/** The run that a fork server's first children get: uses what breaks first when a fork went wrong (timers, the thread pool, children, signals of their end, garbage collection). */
export async function run({ exitCode = null }: { readonly exitCode?: number | null }): Promise<CheckAnswer> {
  if (exitCode !== null) process.exit(exitCode);
  const random = [String(Math.random()), randomUUID(), randomBytes(16).toString('hex')];
  await delay(1);
  const [stat, child] = await Promise.all([
    readFile('/proc/self/stat', 'latin1'),
    promisify(execFile)('/bin/sh', ['-c', 'echo $PPID']),
  ]);
  return { pid: process.pid, kernelPid: Number.parseInt(stat, 10), childPpid: Number(child.stdout), random };
}
