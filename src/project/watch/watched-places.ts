import { dirname, join } from 'node:path';
import { patternTold } from '../read-files.ts';
import { basesOf } from '../tsconfig.ts';

/** What a build depends on, apart from what lies in `cloudcode/` and by name in the project's folder. Absolute paths. */
export interface WatchedPlaces {
  /** They need not be there: that they come is a change. */
  readonly files: ReadonlySet<string>;
  /** Folders, but for the project's own, where a new source file may be found in place of another. */
  readonly folders: ReadonlySet<string>;
  /** By which files are deployed, wherever they lie in the project: relative to its folder. */
  readonly patterns: ReadonlySet<string>;
}

const inPackage = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/;

/** Whether a file belongs to an npm package. */
export function isOfPackage(path: string): boolean {
  return inPackage.test(path);
}

/** From the files that a build has read, or looked for: those, and what says how they are found. */
export async function placesOf(folder: string, read: readonly string[]): Promise<WatchedPlaces> {
  const patterns = new Set(read.flatMap((told) => patternTold(told) ?? []));
  const files = new Set(read.filter((told) => patternTold(told) === null));
  const folders = new Set<string>();
  for (const file of [join(folder, 'package.json'), ...files]) {
    const packageFolder = inPackage.exec(file)?.[1];
    if (packageFolder !== undefined) {
      files.add(join(packageFolder, 'package.json'));
      continue;
    }
    if (dirname(file) !== folder) folders.add(dirname(file));
    for (const holder of holdersOf(file))
      for (const name of ['package.json', 'tsconfig.json', 'jsconfig.json']) files.add(join(holder, name));
  }
  for (const file of files) if (file.endsWith('config.json')) for (const base of await basesOf(file)) files.add(base);
  return { files, folders, patterns };
}

/** The folders that a file lies in, up to the root. */
function holdersOf(file: string): readonly string[] {
  const holder = dirname(file);
  return holder === file ? [] : [holder, ...holdersOf(holder)];
}
