import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of this package, found from wherever this module runs (src/ or dist/). */
export const packageRoot: string = findPackageRoot(dirname(fileURLToPath(import.meta.url)));

function findPackageRoot(from: string): string {
  const manifest = join(from, 'package.json');
  if (existsSync(manifest) && readManifest(manifest).name === 'cloudcode') return from;
  const parent = dirname(from);
  if (parent === from) throw new Error('The package.json of cloudcode was not found above its own code.');
  return findPackageRoot(parent);
}

function readManifest(path: string): { readonly name?: string; readonly version?: string } {
  return JSON.parse(readFileSync(path, 'utf8')) as { name?: string; version?: string };
}

export const packageVersion: string = readManifest(join(packageRoot, 'package.json')).version ?? '0.0.0';
