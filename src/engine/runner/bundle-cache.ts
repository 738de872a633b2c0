import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleHashBesides } from '../../contents/bundle-hash.ts';
import { writeWhole } from '../../contents/write-whole.ts';
import { readBundle } from '../store/deployments.ts';
import type { Queryable } from '../store/open-store.ts';
import { DeploymentDamaged } from './deployment-damaged.ts';
import { openUsedMarks } from './used-marks.ts';

export interface BundleFiles {
  readonly path: string;
  readonly sourceMapPath: string;
  /** Where workers keep the bundle's compiled code, when it is large enough; there is none at first. */
  readonly compiledFolder: string;
}

export interface BundleCache {
  /**
   * The files of a bundle: written from the database when they are missing or not what they were.
   * @param place a folder for its code, in place of the cache's own
   */
  files(hash: string, format: 'cjs' | 'esm', place?: string): Promise<BundleFiles>;
}

/**
 * Keeps deployed bundles as files that workers read. Their names are their hashes, so several runners may share a folder.
 * Their content is checked when this runner first uses them, and again whenever the files are others than it checked:
 * people delete folders, and disks fill up.
 */
export function openBundleCache(db: Queryable, folder: string): BundleCache {
  const checked = new Map<string, string>();
  const underWay = new Map<string, Promise<void>>();
  const markUsed = openUsedMarks();
  const write = async (hash: string, files: BundleFiles): Promise<void> => {
    const bundle = await readBundle(db, hash);
    if (bundle === null) throw new DeploymentDamaged(`The bundle ${hash} is not in the database.`);
    if ((await bundleHashBesides(bundle)) !== hash)
      throw new DeploymentDamaged(`The bundle ${hash} in the database is not what its hash says.`);
    await writeWhole(files.sourceMapPath, bundle.sourceMap, { isFlushed: true });
    await writeWhole(files.path, bundle.code, { isFlushed: true });
  };
  const checkOrWrite = async (hash: string, format: 'cjs' | 'esm', files: BundleFiles): Promise<void> => {
    // Noted as it was before it was read: a change since then is found at the next use.
    const seen = identityOf(files);
    if (seen !== null && (await isWhole(files, hash, format))) checked.set(files.path, seen);
    else await write(hash, files);
  };
  return {
    async files(hash, format, place = folder) {
      markUsed(folder, hash);
      const at = (suffix: string): string => join(folder, `${hash}.${suffix}`);
      const path = join(place, `${hash}.${format === 'cjs' ? 'cjs' : 'mjs'}`);
      const files = { path, sourceMapPath: at('map'), compiledFolder: at('compiled') };
      const seen = identityOf(files);
      if (seen !== null && seen === checked.get(path)) return files;
      // Once for all who wait for the same file; the next use checks what was written.
      const pending = underWay.get(path) ?? checkOrWrite(hash, format, files).finally(() => underWay.delete(path));
      underWay.set(path, pending);
      await pending;
      return files;
    },
  };
}

/** Tells cheaply whether files are those that were checked; null when one is missing, or cannot be reached. */
function identityOf({ path, sourceMapPath }: BundleFiles): string | null {
  try {
    return [path, sourceMapPath]
      .map((file) => statSync(file, { bigint: true }))
      .map(({ ino, size, mtimeNs, ctimeNs }) => `${ino} ${size} ${mtimeNs} ${ctimeNs}`)
      .join(' ');
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
