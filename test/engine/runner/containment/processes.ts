import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { after } from 'node:test';

const tokens = new Set<string>();

// Whatever a failed test has left behind.
after(() => {
  for (const token of tokens) for (const pid of pidsWith(token)) process.kill(pid, 'SIGKILL');
});

/** A word that a test puts on the command lines of all its processes: so that it finds them in another way than the code under test. */
export function newToken(): string {
  const token = `cloudcode-test-${randomUUID()}`;
  tokens.add(token);
  return token;
}

/**
 * The living processes with this word on their command line. One that is just starting a program shows twice for a moment: what it forked has its command line
 * until it is replaced. So wait for a number with `until`.
 */
export function pidsWith(token: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && commandLine(name).includes(token) && isAlive(Number(name)))
    .map(Number);
}

export function isAlive(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/\) [ZX] /.test(text);
  } catch {
    return false;
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

/** Waits until something holds, looking every 5 ms; answers how long that took. */
export async function until(holds: () => boolean, what: string, withinMs = 10_000): Promise<number> {
  const start = performance.now();
  while (!holds()) {
    if (performance.now() - start > withinMs) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await delay(5);
  }
  return performance.now() - start;
}

export interface WaitingShell {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly workerId: string;
  /** Lets it run its script. */
  go(): void;
}

/** Something like a waiting worker: it runs nothing until told, and then a shell script in which `$0` is the token. */
export function startWaitingShell({
  runnerId,
  token,
  script,
}: {
  readonly runnerId: string;
  readonly token: string;
  readonly script: string;
}): WaitingShell {
  const workerId = randomUUID();
  const child = spawn('/bin/sh', ['-c', `read go; ${script}`, token], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: { PATH: process.env['PATH'], CLOUDCODE_RUNNER: runnerId, CLOUDCODE_ATTEMPT: workerId },
  });
  if (child.pid === undefined) throw new Error('the shell did not start');
  return { child, pid: child.pid, workerId, go: () => void child.stdin.end('go\n') };
}

export async function exitOf(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
