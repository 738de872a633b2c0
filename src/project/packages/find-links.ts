import { lstatSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { relativePath } from '../relative-path.ts';
import type { Reached } from './reach-packages.ts';

/** A symbolic link by which Node finds a package from another place than its own. */
export interface FoundLink {
  /** Absolute. */
  readonly place: string;
  /** Relative to the folder of the place. */
  readonly target: string;
}

/**
 * The links that stand for reached packages: where other packages look them up, and all in a `node_modules` that one of these files of the project sees,
 * so that a name that is known only at run time is found there too.
 */
export function linksTo({ packages, found }: Reached, files: readonly string[]): readonly FoundLink[] {
  const folders = new Set(packages.map(({ folder }) => folder));
  const targets = new Map(
    found
      .filter(({ place, folder }) => place !== folder && folders.has(folder))
      .map(({ place, folder }) => [place, folder]),
  );
  const holders = new Set(files.flatMap((file) => holdersOf(dirname(file))));
  for (const holder of holders) for (const place of packagesIn(join(holder, 'node_modules'))) addLink(place);

  function addLink(place: string): void {
    if (targets.has(place)) return;
    try {
      const folder = realpathSync(place);
      if (folder !== place && folders.has(folder)) targets.set(place, folder);
    } catch {
      // It leads nowhere.
    }
  }
  return [...targets].map(([place, folder]) => ({ place, target: relativePath(dirname(place), folder) }));
}

function holdersOf(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...holdersOf(parent)];
}

/** The places of packages that may be links: all, where a folder on the way is one itself. */
function packagesIn(folder: string, isLinked = false): readonly string[] {
  const isLink = isLinked || lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('@')) return packagesIn(path, isLink);
    return isLink || entry.isSymbolicLink() ? [path] : [];
  });
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
