import { closeSync, openSync, readFileSync, readdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { send } from './end-owned.ts';

/**
 * What can be done with a folder of the kernel's cgroup file system (version 2). "Empty" means that `populated` in `cgroup.events` is 0: the kernel counts a process
 * there, and in all folders below, until it has given up its memory and files, also when it left its parent, session or group or cleared its environment. A zombie does not count.
 */
export function isPopulated(folder: string): boolean {
  try {
    return readFileSync(join(folder, 'cgroup.events'), 'latin1').includes('populated 1');
  } catch (error) {
    if (isGone(error)) return false; // removed: the kernel removes no folder that holds a process
    throw error; // as when no file can be opened: that says nothing about the processes
  }
}

/** Sends SIGKILL to every process in the folder and below it, at one instant: none can fork away. */
function killFolder(folder: string): void {
  try {
    writeFileSync(join(folder, 'cgroup.kill'), '1');
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Kills until nothing is left; `onStuck` is called every 5 s with what lives on although it was killed. */
export async function emptyFolder(folder: string, onStuck: (pids: readonly number[]) => void): Promise<void> {
  let stuckAt = performance.now() + 5_000;
  for (let round = 0; isPopulated(folder); round++) {
    const pids = pidsIn(folder);
    const [only] = pids;
    // The ordinary case, a worker without children, is killed by its id: `cgroup.kill` waits for the kernel's lock for all cgroups, 20 ms while another worker is being moved.
    if (only !== undefined && pids.length === 1 && round < 4) send(only, 'SIGKILL');
    else killFolder(folder);
    await (round < 2 ? nextTurn() : delay(Math.min(2 ** (round - 2), 50)));
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
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [join(folder, entry.name)] : []));
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
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENODEV';
}

function readPids(folder: string): number[] {
  try {
    return readFileSync(join(folder, 'cgroup.procs'), 'latin1').split('\n').filter(Boolean).map(Number);
  } catch (error) {
    // EOPNOTSUPP: a threaded cgroup made by the task; `populated` still counts it.
    if (isGone(error) || (error as NodeJS.ErrnoException).code === 'EOPNOTSUPP') return [];
    throw error;
  }
}
