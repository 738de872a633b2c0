import type { StartMessage } from '../../protocol/to-worker.ts';
import { hashOf, nameOfNode } from '../name-of-node.ts';
import { loader } from './node-loader.ts';
import type { PackedFile } from './pack-file.ts';
import type { OwnPlace } from './stay-inside.ts';

// Taken before the task runs, which may put its own in their place.
const { statSync } = process.getBuiltinModule('node:fs');
const { fileURLToPath } = process.getBuiltinModule('node:url');

/** Where the packages of a bundle are, and what is kept of them. */
export interface PackagePlace extends OwnPlace {
  readonly compiledFolder: string;
  readonly external: readonly string[];
}

let place: PackagePlace | null = null;
/** How the names of files begin that stay as they are. */
let treeStart: string | null = null;

/** Tells which bundle is loaded from here on. */
export function usePackOf({
  bundle: { compiledFolder, packagesFolder },
  external,
}: Pick<StartMessage, 'bundle' | 'external'>): void {
  place = { compiledFolder, packagesFolder, external };
  treeStart = packagesFolder === null ? null : `${packagesFolder}/`;
}

/** Null before the bundle is known. */
export const packagePlace = (): PackagePlace | null => place;

/** Whether the task has packages of its own, in which it finds what it loads. */
export function hasOwnPackages(): boolean {
  return place !== null && place.packagesFolder !== null;
}

/** The path of a file that stays as it is; null for others. */
export function pathIn(url: string): string | null {
  const path = url.startsWith('file:') ? fileURLToPath(url) : null;
  return path !== null && isForGood(path) ? path : null;
}

/** Of the folder whose content stays as it is: it is another one when the folder is new, or when somebody has put right what was in it. */
export function identityOfTree(): string | null {
  if (place === null || place.packagesFolder === null) return null;
  const seen = identityOf(place.packagesFolder);
  return seen === null ? null : `${seen.ino} ${seen.mtimeMs}`;
}

/** For the code that Node has compiled of modules. */
export function modulesFolderOf({ compiledFolder }: PackagePlace): string {
  return `${compiledFolder}/modules`;
}

/** Of the pack. */
export function packPathOf({ compiledFolder, packagesFolder }: PackagePlace): string {
  // What else decides where Node finds a package.
  return `${compiledFolder}/${nameOfNode()}.${hashOf([packagesFolder, ...loader.globalPaths].join('\n'))}.pack`;
}

/** Whether a file belongs to a package, whose files are there for more than one run. */
export function isPacked(filename: string): boolean {
  if (place === null || !filename.includes('/node_modules/')) return false;
  return place.external.length === 0 || !place.external.some((name) => filename.includes(`/node_modules/${name}/`));
}

/** Whether a file, and all around it that could be found in its place, stays as it is. */
export function isForGood(filename: string): boolean {
  return treeStart !== null && filename.startsWith(treeStart);
}

export function identityOf(filename: string): Pick<PackedFile, 'size' | 'mtimeMs' | 'ino'> | null {
  const seen = statSync(filename, { throwIfNoEntry: false });
  return seen === undefined ? null : { size: seen.size, mtimeMs: seen.mtimeMs, ino: seen.ino };
}
