import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

interface Manifest {
  readonly gypfile?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly cpu?: readonly string[];
}

// A package that depends on one of these looks for its add-on in the file system, next to its own files.
const addonLoaders = ['bindings', 'node-gyp-build', 'node-gyp-build-optional-packages', '@mapbox/node-pre-gyp', 'prebuild-install', 'pkg-prebuilds'];
const maxDepth = 5;
const maxFolders = 500;

const known = new Map<string, Promise<boolean>>();

/** Whether an npm package holds a native add-on or is built to load one (also from a package of its own for this platform). */
export function isNativePackage(folder: string): Promise<boolean> {
  const found = known.get(folder) ?? examine(folder);
  known.set(folder, found);
  return found;
}

/** Packages may have been installed or replaced since the last build. */
export function forgetPackages(): void {
  known.clear();
}

async function examine(folder: string): Promise<boolean> {
  const manifest = await readManifest(folder);
  if (manifest === null) return false;
  if (manifest.gypfile === true || Object.keys(manifest.dependencies ?? {}).some((name) => addonLoaders.includes(name))) return true;
  if (await hasPlatformPackage(folder, Object.keys(manifest.optionalDependencies ?? {}))) return true;
  return holdsAddon(folder);
}

/** As sharp, esbuild and everything made with napi-rs have it: one optional dependency for each platform, marked by `cpu`. */
async function hasPlatformPackage(folder: string, names: readonly string[]): Promise<boolean> {
  const nodeModules = folder.slice(0, folder.lastIndexOf('node_modules') + 'node_modules'.length);
  const manifests = await Promise.all(
    names.flatMap((name) => [readManifest(join(folder, 'node_modules', name)), readManifest(join(nodeModules, name))]),
  );
  return manifests.some((manifest) => manifest?.cpu !== undefined);
}

async function holdsAddon(folder: string): Promise<boolean> {
  let level = [folder];
  let looked = 0;
  for (let depth = 0; depth < maxDepth && level.length > 0; depth += 1) {
    const next: string[] = [];
    for (const inside of level) {
      looked += 1;
      if (looked > maxFolders) return false;
      for (const entry of await readdir(inside, { withFileTypes: true })) {
        if (entry.name.endsWith('.node') || entry.name === 'binding.gyp') return true;
        if (entry.isDirectory() && entry.name !== 'node_modules') next.push(join(inside, entry.name));
      }
    }
    level = next;
  }
  return false;
}

async function readManifest(folder: string): Promise<Manifest | null> {
  try {
    return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
  } catch {
    return null;
  }
}
