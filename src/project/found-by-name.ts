import { Module } from 'node:module';
import { dirname } from 'node:path';
import { packageFolderOf, packageNameOf, readManifest } from './packages/package-place.ts';

/** What of Node's loader @types/node leaves out. */
interface Loader {
  _nodeModulePaths(folder: string): readonly string[];
  _resolveFilename(request: string, parent: object, isMain: boolean, options: object): string;
}

const loader = Module as unknown as Loader;
/** Node's own, of what `import` finds. */
const conditions = new Set(['node', 'import', 'module-sync', 'node-addons']);

/** Whether `import()` of a package, or of a file in it, finds a file by that name from another file too: as Node looks, for whom a tsconfig.json has no paths. @param file absolute, as the target */
export function isFoundByName(specifier: string, target: string, file: string): boolean {
  const name = packageNameOf(specifier);
  if (name === null) return false;
  // Node finds a file of a package without `exports` by its whole name alone.
  const isWhole = specifier === name || target.endsWith(specifier.slice(name.length));
  if (!isWhole && readManifest(packageFolderOf(target) ?? '').exports === undefined) return false;
  const parent = { id: file, filename: file, paths: loader._nodeModulePaths(dirname(file)) };
  try {
    return loader._resolveFilename(specifier, parent, false, { conditions }) === target;
  } catch {
    return false;
  }
}
