import { randomUUID } from 'node:crypto';
import { lstatSync, readlinkSync, utimesSync } from 'node:fs';
import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { KeptFile } from '../../core/kept-folder.ts';
import { DeploymentDamaged } from '../deployment-damaged.ts';

/** What a folder of this machine holds. */
export interface Layout<File extends KeptFile> {
  readonly files: readonly File[];
  /** Symbolic links; the target is relative to the link's own folder. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

/** Writes these files of a layout into a folder that is empty: their bytes are on the disk when it resolves. */
export type WriteFiles<File extends KeptFile> = (to: string, files: readonly File[]) => Promise<void>;

const mostTries = 3;
const lookedAtOnce = 250;
/** So often is a folder that is being written marked as used. */
const touchEveryMs = 60_000;

/**
 * Makes a folder what it should be: what is missing, or of another size, is written. It is written under another name first, so that nobody sees it half, and several processes may do it at once.
 * What else is in the folder stays.
 */
export async function layOut<File extends KeptFile>(folder: string, layout: Layout<File>, write: WriteFiles<File>): Promise<void> {
  refuseOutside(layout);
  for (let tries = 1; ; tries += 1) {
    const lacking = await lackingIn(folder, layout);
    if (lacking === null) return;
    if (tries > mostTries) throw new Error(`${folder} is not what was written: ${lacking.layout.files[0]?.path ?? lacking.layout.links[0]?.path ?? 'it is gone'}`);
    await inTemporary(folder, async (temporary) => {
      await write(temporary, lacking.layout.files);
      for (const { path, target } of lacking.layout.links) {
        await mkdir(dirname(join(temporary, path)), { recursive: true });
        await symlink(target, join(temporary, path));
      }
      if (!lacking.isThere && (await renameWhole(temporary, folder))) return;
      for (const { path } of [...lacking.layout.files, ...lacking.layout.links]) await replace(join(temporary, path), { folder, path });
      touch(folder); // what was made of the files that were there before is not for these
    });
  }
}

interface Lacking<File extends KeptFile> {
  /** Whether the folder is there at all. */
  readonly isThere: boolean;
  readonly layout: Layout<File>;
}

/** Null when the folder has all of it. */
async function lackingIn<File extends KeptFile>(folder: string, layout: Layout<File>): Promise<Lacking<File> | null> {
  const isThere = lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
  if (!isThere) return { isThere, layout };
  const files: File[] = [];
  for (const [index, file] of layout.files.entries()) {
    if (index % lookedAtOnce === lookedAtOnce - 1) await setImmediate();
    if (!isWhole(join(folder, file.path), file)) files.push(file);
  }
  const links = layout.links.filter(({ path, target }) => targetOf(join(folder, path)) !== target);
  return files.length === 0 && links.length === 0 ? null : { isThere, layout: { files, links } };
}

function isWhole(path: string, { bytes, isExecutable }: KeptFile): boolean {
  const stat = statOf(path);
  return stat?.isFile() === true && stat.size === bytes && ((stat.mode & 0o100) !== 0) === isExecutable;
}

function statOf(path: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // a file stands where a folder should, or it cannot be reached
  }
}

function targetOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

async function inTemporary(folder: string, work: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${folder}.${randomUUID()}.tmp`;
  await mkdir(temporary, { recursive: true });
  const touching = setInterval(() => touch(temporary), touchEveryMs);
  try {
    await work(temporary);
  } finally {
    clearInterval(touching);
    await rm(temporary, { recursive: true, force: true });
  }
}

function touch(folder: string): void {
  try {
    utimesSync(folder, new Date(), new Date());
  } catch {
    // It is gone: what writes into it says so.
  }
}

/** @returns false when there is one already: somebody was faster */
async function renameWhole(temporary: string, folder: string): Promise<boolean> {
  try {
    await rename(temporary, folder);
    return true;
  } catch (error) {
    if (!isInTheWay(error)) throw error;
    return false;
  }
}

async function replace(from: string, { folder, path }: { readonly folder: string; readonly path: string }): Promise<void> {
  const to = join(folder, path);
  try {
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to);
  } catch (error) {
    if (!isInTheWay(error)) throw error;
    await clearTheWay(folder, path);
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to);
  }
}

/** A file or a link may stand where a folder should, and a folder where a file should. */
async function clearTheWay(folder: string, path: string): Promise<void> {
  const parts = path.split('/');
  for (let count = 1; count < parts.length; count += 1) {
    const part = join(folder, ...parts.slice(0, count));
    const stat = statOf(part);
    if (stat !== undefined && !stat.isDirectory()) await rm(part, { force: true });
  }
  await rm(join(folder, path), { recursive: true, force: true });
}

function isInTheWay(error: unknown): boolean {
  return ['EEXIST', 'ENOTEMPTY', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** The paths come from whoever deployed. */
function refuseOutside({ files, links }: Layout<KeptFile>): void {
  const outside = [...files, ...links].find(({ path }) => path === '' || path.startsWith('/') || path.includes('\0') || path.split('/').some((part) => part === '' || part === '.' || part === '..'));
  if (outside !== undefined) throw new DeploymentDamaged(`The deployment names the path ${JSON.stringify(outside.path)}, which leads out of its folder.`);
}
