import { closeSync, openSync, readFileSync, readSync, readdirSync } from 'node:fs';

/** A process as `/proc/<pid>/stat` shows it. `startTicks`: hundredths of a second since boot. */
export interface ProcessStat {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly session: number;
  readonly state: string;
  readonly startTicks: number;
  readonly isKernelThread: boolean;
}

const kernelThreadFlag = 0x0020_0000; // PF_KTHREAD of the kernel's sched.h
const buffer = Buffer.alloc(4096);

/** The ids of all processes, highest first: the youngest are the likeliest to be gone before they are looked at. */
export function listPids(): number[] {
  const pids: number[] = [];
  for (const name of readdirSync('/proc')) {
    const first = name.charCodeAt(0);
    if (first >= 49 && first <= 57) pids.push(Number(name));
  }
  return pids.reverse();
}

/** Null when there is no such process (any more). */
export function readStat(pid: number): ProcessStat | null {
  const text = readSmallFile(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The command's name stands in parentheses and may hold any character, parentheses and spaces too: the fields start after the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    state: fields[0] ?? 'X',
    ppid: Number(fields[1]),
    pgid: Number(fields[2]),
    session: Number(fields[3]),
    isKernelThread: (Number(fields[6]) & kernelThreadFlag) !== 0,
    startTicks: Number(fields[19]),
  };
}

/** How a process ended that nobody has waited for yet, in the form of `waitpid`; 0 also when this user may not know. Null when it is alive or gone. */
export function readEnd(pid: number): number | null {
  const text = readSmallFile(`/proc/${pid}/stat`);
  const fields = text?.slice(text.lastIndexOf(')') + 2).trim().split(' ');
  return fields?.[0] === 'Z' ? Number(fields[49]) : null;
}

export function isAlive(stat: ProcessStat | null): boolean {
  return stat !== null && stat.state !== 'Z' && stat.state !== 'X';
}

/** The environment a process was started with, as `NAME=value` joined by U+0000. Null when it may not be read or the process is gone. */
export function readEnviron(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return null;
  }
}

/** One variable of such an environment. */
export function variableOf(environ: string, name: string): string | null {
  const key = `\0${name}=`;
  const found = `\0${environ}`.indexOf(key);
  if (found === -1) return null;
  const start = found + key.length - 1;
  const end = environ.indexOf('\0', start);
  return environ.slice(start, end === -1 ? undefined : end);
}

/** A file of at most 4 KiB in one read (a third faster than readFileSync, and scans read many). Null when it cannot be read. */
export function readSmallFile(path: string): string | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    return buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0));
  } catch {
    return null; // ESRCH: the process ended after the file was opened
  } finally {
    closeSync(file);
  }
}
