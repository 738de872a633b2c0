import { execFileSync } from 'node:child_process';

/** From now on another process of this user can open no file, as on a machine that has run out of them (EMFILE). Until `allow`, or the end of the block. */
export function noMoreFiles(pid: number): { allow(): void } & Disposable {
  const prlimit = (...options: readonly string[]): string =>
    execFileSync('prlimit', ['--pid', String(pid), ...options], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  let limit: string | null = prlimit('--nofile', '--output=SOFT', '--noheadings');
  // What it has open stays open.
  prlimit('--nofile=0:');
  const allow = (): void => {
    if (limit !== null) prlimit(`--nofile=${limit}:`);
    limit = null;
  };
  return { allow, [Symbol.dispose]: allow };
}
