import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readBundle } from '../store/deployments.ts';
import type { Queryable } from '../store/open-store.ts';

export interface BundleFiles {
  readonly path: string;
  readonly sourceMapPath: string;
  /** Where workers keep the bundle's compiled code, when it is large enough; there is none at first. */
  readonly compiledFolder: string;
}

export interface BundleCache {
  /** The files of a bundle, written when they are not there yet. */
  files(hash: string, format: 'cjs' | 'esm'): Promise<BundleFiles>;
}

/** Keeps deployed bundles as files that workers read. Their names are their hashes, so several runners may share a folder. */
export function openBundleCache(db: Queryable, folder: string): BundleCache {
  mkdirSync(folder, { recursive: true });
  const ready = new Map<string, Promise<BundleFiles>>();
  const write = async (hash: string, format: 'cjs' | 'esm'): Promise<BundleFiles> => {
    const at = (suffix: string): string => join(folder, `${hash}.${suffix}`);
    const files = { path: at(format === 'cjs' ? 'cjs' : 'mjs'), sourceMapPath: at('map'), compiledFolder: at('compiled') };
    if (existsSync(files.path) && existsSync(files.sourceMapPath)) return files;
    const bundle = await readBundle(db, hash);
    if (bundle === null) throw new Error(`bundle ${hash} is not in the database`);
    writeWhole(files.sourceMapPath, bundle.sourceMap);
    writeWhole(files.path, bundle.code);
    return files;
  };
  return {
    files(hash, format) {
      const known = ready.get(hash) ?? write(hash, format);
      ready.set(hash, known);
      known.catch(() => ready.delete(hash));
      return known;
    },
  };
}

// Renamed into place, so that nobody reads half a file.
function writeWhole(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}
