import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '../engine/core/thrown.ts';

/** What nobody says that he uses was made by another version, or is just being made. */
const unmarkedMs = 3_600_000;

/** Notes that this process uses a folder, which is there. @returns ends that, and removes the folder when no other process uses it */
export function shareFolder(folder: string): () => void {
  const mark = join(usersOf(folder), `${process.pid}@${hostname()}@${randomUUID().slice(0, 8)}`);
  writeMark(folder, mark);
  return () => {
    rmSync(mark, { force: true });
    removeUnused(folder);
  };
}

function writeMark(folder: string, mark: string): void {
  for (let triesLeft = 3; triesLeft > 0; triesLeft -= 1) {
    try {
      mkdirSync(usersOf(folder), { recursive: true, mode: 0o700 });
      return writeFileSync(mark, '');
    } catch (error) {
      // The one who used it before is just removing it. On a full disk it goes unmarked: that costs time alone when somebody removes it.
      if (codeOf(error) !== 'ENOENT') return;
    }
  }
}

/** Removes the folders in one for which `isMeant` whose processes are gone: killed, they left them behind. What cannot be removed stays. */
export function removeLeftFolders(within: string, isMeant: (name: string, path: string) => boolean): void {
  for (const name of namesIn(within)) if (isMeant(name, join(within, name))) removeUnused(join(within, name));
}

function removeUnused(folder: string): void {
  const users = usersOf(folder);
  try {
    if (!isMarked(folder) && Date.now() - statSync(folder).mtimeMs < unmarkedMs) return;
    for (const name of namesIn(users)) if (isDead(name)) rmSync(join(users, name), { force: true });
    // Refused as long as there is one: whoever comes now makes it anew.
    if (isMarked(folder)) rmdirSync(users);
    const going = `${folder}.${process.pid}.removed`;
    renameSync(folder, going);
    rmSync(going, { recursive: true, force: true });
  } catch {
    // Somebody uses it, or was faster, or it is not for this user to remove.
  }
}

function usersOf(folder: string): string {
  return join(folder, 'users');
}

function isMarked(folder: string): boolean {
  return statSync(usersOf(folder), { throwIfNoEntry: false }) !== undefined;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Of this machine, and gone for certain. */
function isDead(name: string): boolean {
  const [pid, host] = name.split('@');
  return host === hostname() && !isAlive(Number(pid));
}

/** Whether this machine has a process of this id; also where it is not to be told. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}
