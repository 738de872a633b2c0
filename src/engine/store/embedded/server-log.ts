import { constants, copyFileSync, openSync, readFileSync, statfsSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { lastLines } from './failed.ts';
import { giveTo, type RunAs } from './run-as.ts';

const keptLogBytes = 5_000_000;
const checkEveryMs = 60_000;
const fullDiskBytes = 100_000;

function logFileOf(folder: string): string {
  return join(folder, 'postgres.log');
}

/** Opens the log for the server to write at its end: so it can be cut while the server writes. */
export function openLog(folder: string, runAs: RunAs): number {
  boundLog(folder);
  const log = openSync(
    logFileOf(folder),
    constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW,
    0o600,
  );
  giveTo(runAs, logFileOf(folder));
  return log;
}

export function logSize(folder: string): number {
  return statSync(logFileOf(folder), { throwIfNoEntry: false })?.size ?? 0;
}

/** Keeps the log, and the one before it, to 5 MB each (and a minute's lines) for as long as the server is used. */
export function keepLogBounded(folder: string): { stop(): void } {
  const timer = setInterval(() => boundLog(folder), checkEveryMs).unref();
  return { stop: () => clearInterval(timer) };
}

/** What the server with this pid wrote from `offset` on: its own lines, and those without a pid, such as the program loader's. */
export function readLogOf(folder: string, pid: number | undefined, offset: number): string {
  const lines = readLog(folder, offset)
    .split('\n')
    .filter((line) => (/^\S+ \S+ \S+ \[(\d+)\]/.exec(line)?.[1] ?? String(pid)) === String(pid));
  const text = lastLines(lines.join('\n'));
  return text === '' && isDiskFull(folder) ? 'No space left on device, not even for its log.' : text;
}

function readLog(folder: string, offset: number): string {
  try {
    return readFileSync(logFileOf(folder)).subarray(offset).toString();
  } catch {
    return '';
  }
}

function boundLog(folder: string): void {
  if (logSize(folder) <= keptLogBytes) return;
  try {
    copyFileSync(logFileOf(folder), `${logFileOf(folder)}.1`);
    truncateSync(logFileOf(folder));
  } catch {
    // A log that cannot be cut, on a full disk say, is no reason to stop; the next minute tries again.
  }
}

function isDiskFull(folder: string): boolean {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize < fullDiskBytes;
}
