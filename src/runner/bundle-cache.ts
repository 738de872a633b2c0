import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleHash } from '../operations/bundle-hash.ts';
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

/**
 * Keeps deployed bundles as files that workers read. Their names are their hashes, so several runners may share a folder.
 * Their content is checked when this runner first uses them, and again whenever the files are others than it checked:
 * people delete folders, and disks fill up.
 */
export function openBundleCache(db: Queryable, folder: string): BundleCache {
  const checked = new Map<string, string>();
  const writing = new Map<string, Promise<void>>();
  const write = async (hash: string, files: BundleFiles): Promise<void> => {
    const bundle = await readBundle(db, hash);
    if (bundle === null) throw new DeploymentDamaged(`The bundle ${hash} is not in the database.`);
    if (bundleHash(bundle) !== hash) throw new DeploymentDamaged(`The bundle ${hash} in the database is not what its hash says.`);
    mkdirSync(folder, { recursive: true });
    writeWhole(files.sourceMapPath, bundle.sourceMap);
    writeWhole(files.path, bundle.code);
  };
  // One write for all who wait for the same bundle; the next use checks what was written.
  const writeOnce = (hash: string, files: BundleFiles): Promise<void> => {
    const written = writing.get(hash) ?? write(hash, files).finally(() => writing.delete(hash));
    writing.set(hash, written);
    return written;
  };
  return {
    async files(hash, format) {
      const at = (suffix: string): string => join(folder, `${hash}.${suffix}`);
      const files = { path: at(format === 'cjs' ? 'cjs' : 'mjs'), sourceMapPath: at('map'), compiledFolder: at('compiled') };
      const seen = identityOf(files);
      if (seen !== null && seen === checked.get(hash)) return files;
      // Noted as it was before it was read: a change since then is found at the next use.
      if (seen !== null && isWhole(files, hash, format)) checked.set(hash, seen);
      else await writeOnce(hash, files);
      return files;
    },
  };
}

/** Tells cheaply whether files are those that were checked; null when one is missing. */
function identityOf({ path, sourceMapPath }: BundleFiles): string | null {
  const stats = [path, sourceMapPath].map((file) => statSync(file, { bigint: true, throwIfNoEntry: false }));
  return stats.includes(undefined) ? null : stats.map((stat) => `${stat?.ino} ${stat?.size} ${stat?.mtimeNs} ${stat?.ctimeNs}`).join(' ');
}

function isWhole({ path, sourceMapPath }: BundleFiles, hash: string, format: 'cjs' | 'esm'): boolean {
  try {
    return bundleHash({ format, code: readFileSync(path, 'utf8'), sourceMap: readFileSync(sourceMapPath, 'utf8') }) === hash;
  } catch {
    return false; // unreadable, or gone since it was looked at: it is written again
  }
}

// Renamed into place when it is on the disk, so that nobody reads half a file, after a crash of the machine neither.
function writeWhole(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(temporary, 'w');
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
