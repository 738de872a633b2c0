import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';

/** The parts of a package.json that say what its package needs and what is found in it. */
export interface Manifest {
  readonly name?: unknown;
  readonly version?: unknown;
  readonly dependencies?: Readonly<Record<string, unknown>>;
  readonly devDependencies?: Readonly<Record<string, unknown>>;
  readonly optionalDependencies?: Readonly<Record<string, unknown>>;
  readonly peerDependencies?: Readonly<Record<string, unknown>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, unknown>>;
  readonly exports?: unknown;
}

/** A package as it is found from a file. */
export interface FoundPackage {
  /** Where it is looked up: `…/node_modules/pg`. */
  readonly place: string;
  /** The same with symbolic links resolved. */
  readonly folder: string;
}

const nodeModules = 'node_modules';

/** The folder of the npm package that a file belongs to; null for a file that lies in no `node_modules`. A `node_modules` deep in a package (`dist/node_modules`) is a part of it. */
export function packageFolderOf(path: string): string | null {
  const parts = path.split(sep);
  let end = 0;
  for (let at = parts.indexOf(nodeModules); at !== -1 && at < parts.length - 1;) {
    const name = parts[at + 1] ?? '';
    const inside = parts.indexOf(nodeModules, at + 1);
    // A store of pnpm and its like: node_modules/.pnpm/pg@8.16.0/node_modules/pg.
    if (name.startsWith('.') && inside !== -1) {
      at = inside;
      continue;
    }
    end = at + (isScope(name) ? 3 : 2);
    if (parts[end] !== nodeModules) break;
    at = end;
  }
  return end === 0 ? null : parts.slice(0, end).join(sep);
}

/** `pg` of `pg/lib/x.js`; null for what names no package: a relative path, a URL, `#internal`. */
export function packageNameOf(specifier: string): string | null {
  if (/^(?:\.{0,2}(?:\/|$)|#)|[\\:\0]/.test(specifier)) return null;
  const parts = specifier.split('/');
  const name = parts.slice(0, isScope(parts[0] ?? '') ? 2 : 1).join('/');
  return name.length > 214 || name.endsWith('/') ? null : name;
}

/** `@scope/name`, and what a generator puts beside the packages: `.prisma/client`. */
function isScope(name: string): boolean {
  return name.startsWith('@') || name.startsWith('.');
}

/** Looks packages up as Node does: in each `node_modules` from a folder up to the root. What has once been looked for is not looked for again. */
export function packageFinder(): (from: string, name: string) => FoundPackage | null {
  const known = new Map<string, FoundPackage | null>();
  const at = (place: string): FoundPackage | null => {
    const found = known.get(place);
    if (found !== undefined) return found;
    const isThere = statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
    const fresh = isThere ? { place, folder: realpathSync(place) } : null;
    known.set(place, fresh);
    return fresh;
  };
  return function find(from, name): FoundPackage | null {
    const found = basename(from) === nodeModules ? null : at(join(from, nodeModules, name));
    const parent = dirname(from);
    return found ?? (parent === from ? null : find(parent, name));
  };
}

/** `{}` where there is none, or one that cannot be read. */
export function readManifest(folder: string): Manifest {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return typeof manifest === 'object' && manifest !== null ? manifest : {};
  } catch {
    return {};
  }
}
