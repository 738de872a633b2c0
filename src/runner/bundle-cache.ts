import { closeSync, openSync, statSync, utimesSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleHashBesides } from '../project/bundle-hash.ts';
import { readBundle } from '../store/deployments.ts';
import type { Queryable } from '../store/open-store.ts';
import { DeploymentDamaged } from './deployment-damaged.ts';

export interface BundleFiles {
  readonly path: string;
  readonly sourceMapPath: string;
  /** Where workers keep the bundle's compiled code, when it is large enough; there is none at first. */
  readonly compiledFolder: string;
}

export interface BundleCache {
  /** The files of a bundle: written from the database when they are missing or not what they were. */
  files(hash: string, format: 'cjs' | 'esm'): Promise<BundleFiles>;
}

/** Files that nobody has used for so long may be removed where the database does not have their bundle. */
const unusedMs = 600_000;
/** So seldom does a runner mark again what it uses. */
const markEveryMs = unusedMs / 4;

/** The file whose time of change tells when a bundle was last used. */
export function usedMark(folder: string, hash: string): string {
  return join(folder, `${hash}.used`);
}

/** @param at milliseconds since 1970 */
export function isRecentUse(at: number): boolean {
  return Date.now() - at < unusedMs;
}

/**
 * Keeps deployed bundles as files that workers read. Their names are their hashes, so several runners may share a folder.
 * Their content is checked when this runner first uses them, and again whenever the files are others than it checked:
 * people delete folders, and disks fill up.
 */
export function openBundleCache(db: Queryable, folder: string): BundleCache {
  const checked = new Map<string, string>();
  const underWay = new Map<string, Promise<void>>();
  const marked = new Map<string, number>();
  const write = async (hash: string, files: BundleFiles): Promise<void> => {
    const bundle = await readBundle(db, hash);
    if (bundle === null) throw new DeploymentDamaged(`The bundle ${hash} is not in the database.`);
    if ((await bundleHashBesides(bundle)) !== hash) throw new DeploymentDamaged(`The bundle ${hash} in the database is not what its hash says.`);
    await mkdir(folder, { recursive: true });
    await writeWhole(files.sourceMapPath, bundle.sourceMap);
    await writeWhole(files.path, bundle.code);
  };
  const checkOrWrite = async (hash: string, format: 'cjs' | 'esm', files: BundleFiles): Promise<void> => {
    // Noted as it was before it was read: a change since then is found at the next use.
    const seen = identityOf(files);
    if (seen !== null && (await isWhole(files, hash, format))) checked.set(hash, seen);
    else await write(hash, files);
  };
  const markUsed = (hash: string): void => {
    if (Date.now() - (marked.get(hash) ?? -Infinity) < markEveryMs) return;
    if (touch(usedMark(folder, hash))) marked.set(hash, Date.now());
  };
  return {
    async files(hash, format) {
      markUsed(hash);
      const at = (suffix: string): string => join(folder, `${hash}.${suffix}`);
      const files = { path: at(format === 'cjs' ? 'cjs' : 'mjs'), sourceMapPath: at('map'), compiledFolder: at('compiled') };
      const seen = identityOf(files);
      if (seen !== null && seen === checked.get(hash)) return files;
      // Once for all who wait for the same bundle; the next use checks what was written.
      const pending = underWay.get(hash) ?? checkOrWrite(hash, format, files).finally(() => underWay.delete(hash));
      underWay.set(hash, pending);
      await pending;
      return files;
    },
  };
}

/** @returns false where the folder is not there, or cannot be written to: what is written into it is new, and what is removed from it is written again */
function touch(path: string): boolean {
  try {
    closeSync(openSync(path, 'a'));
    const now = new Date();
    utimesSync(path, now, now);
    return true;
  } catch {
    return false;
  }
}

/** Tells cheaply whether files are those that were checked; null when one is missing, or cannot be reached. */
function identityOf({ path, sourceMapPath }: BundleFiles): string | null {
  try {
    return [path, sourceMapPath].map((file) => statSync(file, { bigint: true })).map(({ ino, size, mtimeNs, ctimeNs }) => `${ino} ${size} ${mtimeNs} ${ctimeNs}`).join(' ');
  } catch {
    return null;
  }
}

async function isWhole({ path, sourceMapPath }: BundleFiles, hash: string, format: 'cjs' | 'esm'): Promise<boolean> {
  try {
    const [code, sourceMap] = await Promise.all([readFile(path, 'utf8'), readFile(sourceMapPath, 'utf8')]);
    return (await bundleHashBesides({ format, code, sourceMap })) === hash;
  } catch {
    return false; // unreadable, or gone since it was looked at: it is written again
  }
}

// Renamed into place when it is on the disk, so that nobody reads half a file, after a crash of the machine neither.
async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
