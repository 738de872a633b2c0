import { constants } from 'node:fs';
import { chmod, copyFile, link, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KeptFile } from '../../core/kept-folder.ts';
import { severalAtOnce } from '../../operations/several-at-once.ts';
import { codeOf } from '../../core/thrown.ts';

const copiedAtOnce = 16;

interface Copying {
  readonly from: string;
  readonly to: string;
  readonly files: readonly KeptFile[];
}

/** Puts files that nobody changes from one folder of this machine's into another: as clones where the file system can do that, else as further links to the same files, else as copies. */
export async function linkFiles(copying: Copying): Promise<void> {
  await eachFile(copying, async (from, path) => {
    if (await clone(from, path)) return;
    await link(from, path).catch(() => copyFile(from, path, constants.COPYFILE_EXCL)); // no links here, or none from there, or too many
  });
}

/** Copies files that their owner may change. */
export async function copyFiles(copying: Copying): Promise<void> {
  await eachFile(copying, async (from, path) => {
    if (!(await clone(from, path))) await copyFile(from, path, constants.COPYFILE_EXCL);
  });
}

/** Copies files from anywhere, with the modes that they are to have. */
export async function copyFrom(copying: Copying): Promise<void> {
  await eachFile(copying, async (from, path, { isExecutable }) => {
    await copyFile(from, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await chmod(path, isExecutable ? 0o755 : 0o644);
  });
}

async function eachFile(
  { from, to, files }: Copying,
  put: (from: string, path: string, file: KeptFile) => Promise<void>,
): Promise<void> {
  for (const folder of new Set(files.map(({ path }) => dirname(path))))
    await mkdir(join(to, folder), { recursive: true });
  await severalAtOnce(files, copiedAtOnce, (file) => put(join(from, file.path), join(to, file.path), file));
}

/** What file systems that cannot say, by code. */
const cannotClone = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EINVAL', 'ENOTTY', 'EPERM']);
let clones = true;

async function clone(from: string, path: string): Promise<boolean> {
  if (!clones) return false;
  try {
    await copyFile(from, path, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch (error) {
    if (!cannotClone.has(codeOf(error) ?? '')) throw error;
    clones = false; // all of them lie in one folder of this machine
    return false;
  }
}
