import { constants } from 'node:fs';
import { copyFile, link, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KeptFile } from '../../core/kept-folder.ts';
import { severalAtOnce } from '../../operations/several-at-once.ts';

/** A file of a layout that is a copy of another one on this machine. */
export interface CopiedFile extends KeptFile {
  /** Absolute. */
  readonly from: string;
}

const copiedAtOnce = 16;

/** Puts files that nobody changes into a folder: as clones where the file system can do that, else as further links to the same files, else as copies. */
export async function linkFiles(to: string, files: readonly CopiedFile[]): Promise<void> {
  await eachFile(to, files, async (from, path) => {
    if (await clone(from, path)) return;
    await link(from, path).catch(() => copy(from, path)); // no links here, or none from there, or too many
  });
}

/** Copies files that their owner may change. */
export async function copyFiles(to: string, files: readonly CopiedFile[]): Promise<void> {
  await eachFile(to, files, async (from, path) => {
    if (!(await clone(from, path))) await copy(from, path);
  });
}

async function eachFile(to: string, files: readonly CopiedFile[], put: (from: string, path: string) => Promise<void>): Promise<void> {
  for (const folder of new Set(files.map(({ path }) => dirname(path)))) await mkdir(join(to, folder), { recursive: true });
  await severalAtOnce(files, copiedAtOnce, ({ from, path }) => put(from, join(to, path)));
}

/** File systems that have said that they cannot, by the code they say it with. */
const cannotClone = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EINVAL', 'ENOTTY', 'EPERM']);
let clones = true;

async function clone(from: string, path: string): Promise<boolean> {
  if (!clones) return false;
  try {
    await copyFile(from, path, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch (error) {
    if (!cannotClone.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    clones = false; // all of them lie in one folder of this machine
    return false;
  }
}

async function copy(from: string, path: string): Promise<void> {
  await copyFile(from, path, constants.COPYFILE_EXCL);
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
