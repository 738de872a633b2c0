import { chmodSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import process, { availableMemory, env, pid } from 'node:process';
import { abandonedIn } from './abandoned.ts';

const gigabyte = 1024 ** 3;
/** What all tests together have in it at a time, several times over: databases with their logs, projects, builds. */
const roomBytes = 5 * gigabyte;
/** Beside that: tests fill memory up to limits of some hundred megabytes each. */
const restBytes = 3 * gigabyte;

const prefix = 'cloudcode-';

/**
 * The temporary files of this process and of all that it starts are in memory from here on, and removed when it ends; unless `TMPDIR` is set, or there is too little. The
 * tests' many small databases flush what they write: on a disk, all wait for one another. In memory a flush is asked for in the same way, and over at once.
 */
export function useMemoryFolder(): void {
  const folder = env['TMPDIR'] === undefined ? makeMemoryFolder() : null;
  if (folder === null) return;
  env['TMPDIR'] = folder;
  process.once('exit', () => removeMemoryFolder(folder));
}

/** A folder for temporary files in memory. Null where there is none, or too little of it. */
export function makeMemoryFolder(parent = '/dev/shm', availableBytes = availableMemory()): string | null {
  if (!isMemory(parent) || availableBytes < roomBytes + restBytes) return null;
  abandonedIn(parent, prefix).forEach(removeMemoryFolder);
  const folder = mkdtempSync(join(parent, `${prefix}${pid}-`));
  // As every folder for temporary files is: some tests act as other users.
  chmodSync(folder, 0o1777);
  return folder;
}

/** A database server that was left behind ends by itself when its data are gone. */
function removeMemoryFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // A test that was killed has left something mounted in it: there is nothing to be read in it any more.
  }
}

/** Whether a folder is a file system in memory, with room, in which programs may be executed. */
function isMemory(folder: string): boolean {
  try {
    const mounts = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '));
    const [, , type, options = ''] = mounts.findLast(([, at]) => at === folder) ?? [];
    const flags = options.split(',');
    const { bavail, bsize } = statfsSync(folder);
    return type === 'tmpfs' && flags.includes('rw') && !flags.includes('noexec') && bavail * bsize >= roomBytes;
  } catch {
    return false;
  }
}
