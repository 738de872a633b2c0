import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { send } from './end-owned.ts';
import { codeOf } from '../../core/thrown.ts';

/**
 * What can be done with a folder of the kernel's cgroup file system (version 2). "Empty" means that `populated` in `cgroup.events` is 0: the kernel counts a process
 * there, and in all folders below, until it has given up its memory and files, also when it left its parent, session or group or cleared its environment. A zombie does not count.
 *
 * @throws when the kernel does not say so, as when no file can be opened: that tells nothing about the processes
 */
export function isPopulated(folder: string): boolean {
  try {
    const [, populated] = /^populated ([01])$/m.exec(readFileSync(join(folder, 'cgroup.events'), 'latin1')) ?? [];
    if (populated === undefined)
      throw new Error(`The kernel does not say whether the cgroup ${folder} holds a process.`);
    return populated === '1';
  } catch (error) {
    if (isGone(error) && wasRemoved(folder)) return false;
    throw error;
  }
}

/** The kernel removes no cgroup that holds a process. But where its file system is not there, as when another was mounted over it, no file tells anything. */
function wasRemoved(folder: string): boolean {
  const parent = dirname(folder);
  if (existsSync(parent)) return existsSync(join(parent, 'cgroup.procs'));
  return parent !== folder && wasRemoved(parent);
}

/**
 * Sends SIGKILL to every process in the folder and below it, at one instant: none can fork away. Where that cannot be (another owner, a file system that may only be read now), to one after the other.
 * @returns whether it was at one instant
 */
function killFolder(folder: string, pids: readonly number[]): boolean {
  try {
    writeFileSync(join(folder, 'cgroup.kill'), '1');
    return true;
  } catch (error) {
    if (isGone(error)) return true;
    for (const pid of pids) send(pid, 'SIGKILL');
    return false;
  }
}

/**
 * Kills until nothing is left; `onStuck` is called every 5 s with what lives on although it was killed.
 * @throws when the folder cannot be looked at
 */
export async function emptyFolder(folder: string, onStuck: (pids: readonly number[]) => void): Promise<void> {
  let stuckAt = performance.now() + 5_000;
  let seen: ReadonlySet<number> = new Set();
  for (let round = 0; isPopulated(folder); round++) {
    const pids = pidsIn(folder);
    const [only] = pids;
    // The ordinary case, a worker without children, is killed by its id: `cgroup.kill` waits for the kernel's lock for all cgroups, 20 ms while another worker is being moved.
    let isAtOnce = true;
    if (only !== undefined && pids.length === 1 && round < 4) send(only, 'SIGKILL');
    else isAtOnce = killFolder(folder, pids);
    // What is killed one by one and breeds must not get ahead.
    const isBreeding = !isAtOnce && pids.some((pid) => !seen.has(pid));
    seen = new Set(pids);
    await (round < 2 || isBreeding ? nextTurn() : delay(Math.min(2 ** (round - 2), 50)));
    if (performance.now() < stuckAt) continue;
    stuckAt += 5_000;
    onStuck(pids);
  }
}

export function pidsIn(folder: string): number[] {
  const pids = readPids(folder);
  // A task may have made folders of its own below (a nested CloudCode does). The file system counts them as links, which spares reading the folder.
  if (hasFolders(folder)) for (const child of foldersIn(folder)) pids.push(...pidsIn(child));
  return pids;
}

/** Removes an empty folder with all below it. False when it still holds a process. */
export function removeFolder(folder: string): boolean {
  try {
    for (const child of foldersIn(folder)) removeFolder(child);
    rmdirSync(folder);
    return true;
  } catch (error) {
    return isGone(error);
  }
}

export function hasFolders(folder: string): boolean {
  return (statSync(folder, { throwIfNoEntry: false })?.nlink ?? 2) > 2;
}

export function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [join(folder, entry.name)] : [],
    );
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** Opens `cgroup.procs` for writing, hands it over, and closes it. */
export function openProcs(folder: string): { readonly file: number; close(): void } {
  const file = openSync(join(folder, 'cgroup.procs'), 'w');
  return { file, close: () => closeSync(file) };
}

export function isGone(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOENT' || code === 'ENODEV';
}

function readPids(folder: string): number[] {
  try {
    // 0 is a process that this PID namespace does not show; as a receiver of signals it would be this process's own group.
    return readFileSync(join(folder, 'cgroup.procs'), 'latin1')
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 0);
  } catch (error) {
    // EOPNOTSUPP: a threaded cgroup made by the task; `populated` still counts it.
    if (isGone(error) || codeOf(error) === 'EOPNOTSUPP') return [];
    throw error;
  }
}
