import { type Dirent, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { CloudCodeError } from '../../engine/core/errors.ts';
import type { KeptFile } from '../../engine/core/kept-folder.ts';
import { cannotBeRead } from './cannot-be-read.ts';
import { codeOf } from '../../engine/core/thrown.ts';

/** A file as it stands on this machine. */
export interface ListedFile extends KeptFile {
  /** Differs when the file was written or replaced. */
  readonly stamp: string;
  /** When it was written or put in its place, in milliseconds since 1970. */
  readonly changedAtMs: number;
}

/** Whether an entry is left out, with all that is in it. @param place absolute, in a folder whose links are resolved */
export type LeftOut = (place: string, name: string, isFolder: boolean) => boolean;

interface Listing {
  /** Begins here: relative to the folder. */
  readonly from?: string;
  /** A link counts as what it leads to: whether that, or a folder on the way to it, is left out. */
  readonly isTargetLeftOut?: LeftOut;
  /** Told of each link that leads out of the folder; these are then left out. */
  readonly onLinkOut?: (path: string, target: string) => void;
}

/** Each is a file of its own on every machine. */
const maxFiles = 250_000;

/**
 * All files of a folder, in order of their paths by code units. A symbolic link counts as the file or folder that it leads to; one that leads to a folder elsewhere, in a circle
 * or nowhere, is left out, and so are sockets, pipes and devices.
 * @throws CloudCodeError `build_failed` for a folder that cannot be read or a name that is not UTF-8, `files_too_large` for more than 250,000 files
 */
export function listFiles(
  folder: string,
  isLeftOut: LeftOut,
  { from = '', isTargetLeftOut, onLinkOut }: Listing = {},
): readonly ListedFile[] {
  const files: ListedFile[] = [];
  const root = realpathSync(folder);
  const take = (path: string): void => {
    const file = listFile(folder, path);
    if (file !== null) files.push(file);
    refuseTooMany(files.length, join(folder, from));
  };
  /** @param real of the path, with links resolved @param holders of the links that led here */
  const visit = (path: string, real: string, holders: readonly string[]): void => {
    for (const entry of entriesOf(real)) {
      const { name } = entry;
      const inside = path === '' ? name : `${path}/${name}`;
      const place = join(real, name);
      if (entry.isSymbolicLink()) {
        if (!isLeftOut(place, name, false)) follow(inside, place, [...holders, real]);
      } else if (isLeftOut(place, name, entry.isDirectory())) continue;
      else if (isNoText(place)) throw notUtf8(real, name);
      else if (entry.isDirectory()) visit(inside, place, holders);
      else if (entry.isFile()) take(inside);
    }
  };
  const follow = (path: string, place: string, holders: readonly string[]): void => {
    const real = realPathOrNull(place);
    const found = real === null ? undefined : statSync(real, { throwIfNoEntry: false });
    if (real === null || found === undefined) return;
    const isFolder = found.isDirectory();
    if (!isFolder && !found.isFile()) return;
    if (!isWithin(root, real)) {
      if (isTargetLeftOut?.(real, basename(real), isFolder) === true) return;
      if (onLinkOut !== undefined) onLinkOut(path, real);
      else if (!isFolder) take(path);
    } else if (
      isTargetLeftOut !== undefined &&
      stepsTo(root, real).some((step) => isTargetLeftOut(step, basename(step), step !== real || isFolder))
    )
      return;
    else if (!isFolder) take(path);
    // A link may lead to a folder that it lies in, or that a link before it lies in.
    else if (!holders.some((holder) => isWithin(real, holder))) visit(path, real, holders);
  };
  visit(from, realpathSync(join(folder, from)), []);
  return files.sort((left, right) => (left.path < right.path ? -1 : 1));
}

/** Null when it is gone. @throws CloudCodeError `build_failed` when it cannot be looked at */
export function listFile(folder: string, path: string): ListedFile | null {
  const found = statOf(join(folder, path));
  if (found === undefined) return null;
  const { size, mode, mtimeMs, ctimeMs, ino } = found;
  return {
    path,
    bytes: size,
    isExecutable: (mode & 0o111) !== 0,
    stamp: `${size} ${mtimeMs} ${ctimeMs} ${ino}`,
    changedAtMs: Math.max(mtimeMs, ctimeMs),
  };
}

export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** What lies on the way from a folder to a path in it, and the path. */
function stepsTo(folder: string, path: string): readonly string[] {
  const parts = path
    .slice(folder.length)
    .split(sep)
    .filter((part) => part !== '');
  return parts.map((_part, index) => join(folder, ...parts.slice(0, index + 1)));
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []; // it has just gone
    throw cannotBeRead(folder, error);
  }
}

function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw cannotBeRead(path, error);
  }
}

/** What is no text comes with this in its place, and is not found by it. */
function isNoText(place: string): boolean {
  return place.includes('\ufffd') && lstatSync(place, { throwIfNoEntry: false }) === undefined;
}

function notUtf8(folder: string, name: string): CloudCodeError {
  return new CloudCodeError(
    'build_failed',
    `${folder} holds a name that is not UTF-8, ${JSON.stringify(name)}: it cannot be deployed.`,
    { hint: `Rename it, or have git ignore it: ${name.replaceAll(/\ufffd+/g, '*')}` },
  );
}

/** @throws CloudCodeError `files_too_large` */
export function refuseTooMany(count: number, folder: string): void {
  if (count <= maxFiles) return;
  throw new CloudCodeError(
    'files_too_large',
    `${folder} has more than ${maxFiles.toLocaleString('en')} files, with links counted as what they lead to: a deployment may not have as many.`,
    {
      hint: 'Have git ignore what the tasks do not need, or deploy an archive in place of its files.',
    },
  );
}

/** Null when a link leads nowhere, or in a circle. */
function realPathOrNull(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

/** The lowest folder that holds the project and all of these paths: for what lies in a `node_modules`, the whole of that. */
export function rootOf(folder: string, paths: readonly string[]): string {
  return paths.reduce((root, path) => lowestWith(root, outermostHolder(path)), folder);
}

/** The folder whose `node_modules` a path lies in, or else the path itself. */
function outermostHolder(path: string): string {
  const at = path.indexOf(`${sep}node_modules${sep}`);
  return at === -1 ? path : path.slice(0, at) || sep;
}

function lowestWith(root: string, path: string): string {
  if (isWithin(root, path)) return root;
  return lowestWith(dirname(root), path);
}
