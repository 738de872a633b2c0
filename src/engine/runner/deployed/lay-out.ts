import { randomUUID } from 'node:crypto';
import { lstatSync, utimesSync } from 'node:fs';
import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DeploymentDamaged } from '../deployment-damaged.ts';
import { keepStamp, type Layout, type Part, readStamp } from './layout-stamps.ts';
import { lookAtLayout, readAltered, statOf } from './look-at-layout.ts';
import { codeOf } from '../../core/thrown.ts';

/** Writes files of a layout into a folder that is empty. */
export type WriteParts = (to: string, parts: readonly Part[]) => Promise<void>;

const maxTries = 3;
/** So often is a folder that is being written marked as used. */
const touchEveryMs = 60_000;

/**
 * Makes a folder what it should be: what is missing or altered is written. It is written under another name first, so that nobody sees it half, and several processes may do it at once.
 * What else is in the folder stays.
 *
 * Nothing is flushed to the disk. The stamp beside the folder says what its files looked like when their content was right, on which boot of the machine: as long as it fits, each is looked at but not
 * read. After a crash of the machine, or where somebody has written into a file, it does not.
 * @returns tells the folder from one that is put in its place later, as `identityOf` does
 */
export async function layOut(folder: string, layout: Layout, write: WriteParts): Promise<string | null> {
  refuseOutside(layout);
  const written = new Set<Part>();
  for (let tries = 1; ; tries += 1) {
    // As it was before it was looked at: a change since then is found at the next use.
    const identity = identityOf(folder);
    const { lacking, stamp } =
      identity === null ? { lacking: layout, stamp: '' } : await whatIsWrong(folder, layout, written);
    if (lacking === null) {
      if ((await readStamp(folder)) !== stamp) await keepStamp(folder, stamp);
      return identity;
    }
    if (tries > maxTries) throw new Error(`${folder} is not what was written: ${pathsOf(lacking)[0] ?? 'it is gone'}`);
    await inTemporary(folder, async (temporary) => {
      await write(temporary, lacking.parts);
      for (const { path, target } of lacking.links) {
        await mkdir(dirname(join(temporary, path)), { recursive: true });
        await symlink(target, join(temporary, path));
      }
      if (identity === null && !(await renameWhole(temporary, folder))) return;
      if (identity !== null) {
        for (const path of pathsOf(lacking)) await replace(join(temporary, path), { folder, path });
        touch(folder); // what was made of the files that were there before is not for these
      }
      for (const part of lacking.parts) written.add(part);
    });
  }
}

/** Tells cheaply whether a folder is the one that was looked at; null when there is none. */
export function identityOf(folder: string): string | null {
  const stat = lstatSync(folder, { throwIfNoEntry: false, bigint: true });
  return stat?.isDirectory() === true ? `${stat.dev} ${stat.ino} ${stat.birthtimeNs}` : null;
}

/** @param written parts of the layout that this process has written whole, just now */
async function whatIsWrong(
  folder: string,
  layout: Layout,
  written: ReadonlySet<Part>,
): Promise<{ readonly lacking: Layout | null; readonly stamp: string }> {
  const { lacking, stamp } = await lookAtLayout(folder, layout);
  if (lacking.parts.length > 0 || lacking.links.length > 0) return { lacking, stamp };
  const unknown = layout.parts.filter((part) => !written.has(part));
  if (unknown.length === 0 || (await readStamp(folder)) === stamp) return { lacking: null, stamp };
  const altered = await readAltered(folder, unknown);
  return { lacking: altered.length === 0 ? null : { parts: altered, links: [] }, stamp };
}

function pathsOf({ parts, links }: Layout): readonly string[] {
  return [
    ...parts.flatMap(({ place, files }) => files.map(({ path }) => (place === '' ? path : `${place}/${path}`))),
    ...links.map(({ path }) => path),
  ];
}

async function inTemporary(folder: string, work: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${folder}.${randomUUID()}.tmp`;
  await mkdir(temporary, { recursive: true });
  const touching = setInterval(() => touch(temporary), touchEveryMs).unref();
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

async function replace(
  from: string,
  { folder, path }: { readonly folder: string; readonly path: string },
): Promise<void> {
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
  return ['EEXIST', 'ENOTEMPTY', 'ENOTDIR', 'EISDIR'].includes(codeOf(error) ?? '');
}

/** The paths come from whoever deployed. */
function refuseOutside(layout: Layout): void {
  const outside = pathsOf(layout).find(
    (path) =>
      path === '' ||
      path.startsWith('/') ||
      path.includes('\0') ||
      path.split('/').some((part) => part === '' || part === '.' || part === '..'),
  );
  if (outside !== undefined)
    throw new DeploymentDamaged(
      `The deployment names the path ${JSON.stringify(outside)}, which leads out of its folder.`,
    );
}
