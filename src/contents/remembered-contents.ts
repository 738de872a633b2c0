import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeLeftBeside, writeWhole } from './write-whole.ts';

/** What the files of a folder hold. */
export interface FolderContent {
  /** As of `KeptFolder`. */
  readonly hash: string;
  /** The packages that its sources name literally, in order. */
  readonly names: readonly string[];
  /** For which platforms its `.node` files were built, in order; null when it has none. */
  readonly platforms: readonly string[] | null;
}

/** `stamp`: equal as long as no file was written, replaced, added or removed. */
export interface Remembered extends FolderContent {
  readonly stamp: string;
}

/** By their folders. */
export type RememberedContents = Readonly<Record<string, Remembered>>;

/** Another version of the code finds other names in the same files. */
const version = 1;

/** What a build has kept in a file; nothing where it is not there, or cannot be read. */
export async function loadContents(file: string): Promise<RememberedContents> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as {
      readonly version: number;
      readonly contents: RememberedContents;
    };
    return kept.version === version ? kept.contents : {};
  } catch {
    return {};
  }
}

/** Where nothing can be written, or no room is left, the next build reads again. */
export async function storeContents(file: string, contents: RememberedContents): Promise<void> {
  await writeWhole(file, JSON.stringify({ version, contents })).catch(() => undefined);
  await removeLeftBeside(file);
}

/** Where the builds that use this cache remember packages. */
export function packagesFile(cache: string): string {
  return join(cache, 'packages.json');
}

/** The folders that the last build has read as packages, by the hash of what they held then. */
export async function readPackageSources(cache: string): Promise<ReadonlyMap<string, string>> {
  return new Map(Object.entries(await loadContents(packagesFile(cache))).map(([folder, { hash }]) => [hash, folder]));
}
