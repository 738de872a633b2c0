import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { KeptFile } from '../../core/kept-folder.ts';

/** A file as it stands on this machine. */
export interface ListedFile extends KeptFile {
  /** Differs when the file was written or replaced. */
  readonly stamp: string;
  /** When it was written or put in its place, in milliseconds since 1970. */
  readonly changedAtMs: number;
}

/** Whether an entry is left out, with all that is in it. @param path relative to the folder, with `/` */
export type LeftOut = (path: string, name: string, isFolder: boolean) => boolean;

interface Listing {
  /** Begins here: relative to the folder. */
  readonly from?: string;
  /** Told of each link that leads out of the folder; these are then left out. */
  readonly onLinkOut?: (path: string, target: string) => void;
}

/**
 * All files of a folder, in order of their paths by code units. A symbolic link counts as the file or folder that it leads to; one that leads to a folder elsewhere,
 * or nowhere, is left out.
 */
export function listFiles(folder: string, isLeftOut: LeftOut, { from = '', onLinkOut }: Listing = {}): readonly ListedFile[] {
  const files: ListedFile[] = [];
  const root = realpathSync(folder);
  const visit = (path: string, links: readonly string[]): void => {
    for (const entry of readdirSync(join(folder, path), { withFileTypes: true })) {
      const inside = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.isSymbolicLink()) follow(inside, entry.name, links);
      else if (isLeftOut(inside, entry.name, entry.isDirectory())) continue;
      else if (entry.isDirectory()) visit(inside, links);
      else if (entry.isFile()) files.push(listFile(folder, inside));
    }
  };
  const follow = (path: string, name: string, links: readonly string[]): void => {
    const real = realPathOrNull(join(folder, path));
    const found = real === null ? null : statSync(real);
    if (real === null || found === null || isLeftOut(path, name, found.isDirectory())) return;
    const isInside = real.startsWith(root + sep);
    if (!isInside && onLinkOut !== undefined) onLinkOut(path, real);
    else if (found.isFile()) files.push(listFile(folder, path));
    // A link may lead to a folder that it lies in.
    else if (found.isDirectory() && isInside && !links.includes(real) && !join(folder, path).startsWith(real + sep)) visit(path, [...links, real]);
  };
  visit(from, []);
  return files.sort((left, right) => (left.path < right.path ? -1 : 1));
}

export function listFile(folder: string, path: string): ListedFile {
  const { size, mode, mtimeMs, ctimeMs, ino } = statSync(join(folder, path));
  return { path, bytes: size, isExecutable: (mode & 0o111) !== 0, stamp: `${size} ${mtimeMs} ${ctimeMs} ${ino}`, changedAtMs: Math.max(mtimeMs, ctimeMs) };
}

/** Null when a link leads nowhere, or in a circle. */
function realPathOrNull(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
