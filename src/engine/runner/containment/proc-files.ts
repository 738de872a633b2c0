import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { kill } from 'node:process';
import { codeOf } from '../../core/thrown.ts';

/** A process as `/proc/<pid>/stat` shows it. `startTicks`: hundredths of a second since boot. */
export interface ProcessStat {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly session: number;
  readonly state: string;
  readonly startTicks: number;
  readonly isKernelThread: boolean;
  readonly threads: number;
}

/** A process that is there and does not show itself: of another user, or one that hides its memory, where `/proc` is mounted with `hidepid`. */
export class HiddenProcess extends Error {
  constructor(pid: number, cause: unknown) {
    super(`Process ${pid} cannot be looked at: /proc does not show it to this user.`, { cause });
  }
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

/**
 * Null when there is no such process (any more): the kernel's own answer, as `/proc` may have no file of a living one either.
 * @throws HiddenProcess; and the error when nothing can be read, as when no file can be opened (EMFILE): that says nothing about the process
 */
export function readStat(pid: number): ProcessStat | null {
  const text = readStatText(pid);
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
    threads: Number(fields[17]),
    startTicks: Number(fields[19]),
  };
}

function readStatText(pid: number): string | null {
  for (let look = 1; ; look += 1) {
    try {
      return readStart(`/proc/${pid}/stat`);
    } catch (error) {
      if (!isWithheld(error)) throw error;
      if (!exists(pid)) return null;
      // It may have come between the two.
      if (look === 2) throw new HiddenProcess(pid, error);
    }
  }
}

/** Whether the kernel knows a process with this id, zombies too. */
function exists(pid: number): boolean {
  try {
    return kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
    if (codeOf(error) === 'EPERM') return true;
    throw error;
  }
}

/** Errors that tell of the process that is looked at, not of the one that looks. */
function isWithheld(error: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'EIO'].includes(codeOf(error) ?? '');
}

/** How a process ended that nobody has waited for yet, in the form of `waitpid`; 0 also when this user may not know. Null when it is alive or gone. */
export function readEnd(pid: number): number | null {
  const text = readSmallFile(`/proc/${pid}/stat`);
  const fields = text
    ?.slice(text.lastIndexOf(')') + 2)
    .trim()
    .split(' ');
  return fields?.[0] === 'Z' ? Number(fields[49]) : null;
}

/** A zombie is not, unless only its first thread has ended. */
export function isAlive(stat: ProcessStat | null): stat is ProcessStat {
  return stat !== null && stat.state !== 'X' && (stat.state !== 'Z' || stat.threads > 1);
}

/**
 * Whether the process with this id that began at this time is known to be gone. A zombie is; one that hides is not.
 * @param startTicks null: not known, and nobody else can have the id
 * @throws when nothing can be read, as when no file can be opened
 */
export function hasEnded(pid: number, startTicks: number | null): boolean {
  try {
    const stat = readStat(pid);
    return !isAlive(stat) || (startTicks !== null && stat.startTicks !== startTicks);
  } catch (error) {
    if (error instanceof HiddenProcess) return false;
    throw error;
  }
}

/**
 * The environment a process was started with, as `NAME=value` joined by U+0000. Null when it may not be read or the process is gone.
 * @throws when nothing can be read, as when no file can be opened
 */
export function readEnviron(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch (error) {
    if (isWithheld(error)) return null;
    throw error;
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

/** A file of at most 4 KiB. Null when it cannot be read. */
export function readSmallFile(path: string): string | null {
  try {
    return readStart(path);
  } catch {
    return null;
  }
}

/** The first 4 KiB of a file in one read: a third faster than readFileSync, and scans read many. */
function readStart(path: string): string {
  const file = openSync(path, 'r');
  try {
    return buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0));
  } finally {
    closeSync(file);
  }
}
