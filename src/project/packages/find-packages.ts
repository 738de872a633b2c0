import { join } from 'node:path';
import { type FolderToKeep, type PackageTree, treeText } from '../../engine/core/kept-folder.ts';
import { relativePath } from '../relative-path.ts';
import { linksTo } from './find-links.ts';
import { refuseTooLarge } from '../refuse-too-large.ts';
import {
  type Beginning,
  closePackages,
  type Reached,
  type ReachedPackage,
  type WholeBeginning,
} from './reach-packages.ts';
import { packagesFile } from '../../contents/remembered-contents.ts';
import { contentReader } from './remember-contents.ts';
import { rootOf } from './list-files.ts';
import { sha256 } from '../../contents/sha256.ts';

export interface PackagesAsked extends WholeBeginning {
  /** What all packages together may have, in MB (of 1,000,000 bytes). */
  readonly maxMb?: number | undefined;
  /** The folder in which their hashes are remembered; null: they are not. */
  readonly cache: string | null;
}

/** A package that holds native add-ons. */
export interface NativePackage {
  /** `better-sqlite3@11.3.0`. */
  readonly name: string;
  /** In the tree. */
  readonly path: string;
  /** For which they were built, as `${process.platform}-${process.arch}`, in order. */
  readonly platforms: readonly string[];
}

export interface FoundPackages {
  /** Null when no package is reached. */
  readonly tree: PackageTree | null;
  /** Each content once. */
  readonly folders: readonly FolderToKeep[];
  /** What the tree's paths are relative to, absolute: the lowest folder that holds the project and all that is reached. */
  readonly root: string;
  /** The project's folder, relative to the root: `''`, `apps/jobs`. */
  readonly projectPath: string;
  /** Of those that are linked from elsewhere, and whose code is in the bundles too: `lib@1.0.0`. */
  readonly linked: ReadonlySet<string>;
  /** Of each package, the name of another one that needs it, where there is one: `pg-pool@3.10.0`, `pg@8.16.0`. */
  readonly neededBy: ReadonlyMap<string, string>;
  readonly native: readonly NativePackage[];
  /** Those that a part of the project, one task, reaches by what was asked for it. */
  nativeOf(asked: Beginning): readonly NativePackage[];
  /** What such a part needs that only a spawned worker has: `sharp`, `node:worker_threads`; null when nothing is seen. */
  spawnNeedOf(asked: Beginning): string | null;
}

/** MB of packages in a deployment, unless the configuration says otherwise. */
const defaultMaxMb = 500;

/**
 * The packages that a project's code reaches, whole, where Node finds them on this machine: what it imports, closed over what each declares
 * (dependencies, optional ones, peers) and what its sources name literally without declaring it, as far as it is installed. Of a package that is linked from elsewhere and
 * built with the tasks, what git does not ignore, and what lies beside code that is built.
 * @throws CloudCodeError `packages_too_large`, naming the largest; `build_failed` when a file cannot be read
 */
export async function findPackages({ maxMb = defaultMaxMb, cache, ...whole }: PackagesAsked): Promise<FoundPackages> {
  const { folder, imports, named } = whole;
  const contents = await contentReader(cache === null ? null : packagesFile(cache));
  const reached = await closePackages(whole, { contents, maxBytes: maxMb * 1_000_000 });
  refuseTooLarge(reached.packages, {
    code: 'packages_too_large',
    what: 'The packages that the tasks reach',
    maxMb,
    hint: 'Import smaller ones, or raise `maxPackagesMb` in cloudcode.config.ts.',
  });
  await contents.save();
  const links = linksTo(reached, [
    join(folder, 'package.json'),
    ...[...imports, ...named].map(({ importer }) => importer),
  ]);
  const root = rootOf(folder, [...reached.packages.map((one) => one.folder), ...links.map(({ place }) => place)]);
  const inTree = (path: string): string => relativePath(root, path);
  const native = new Map(
    reached.packages.flatMap((one) =>
      one.content.platforms === null
        ? []
        : [[one, { name: one.name, path: inTree(one.folder), platforms: one.content.platforms }] as const],
    ),
  );
  return {
    tree:
      reached.packages.length === 0
        ? null
        : treeOf(
            reached.packages.map((one) => ({ path: inTree(one.folder), hash: one.content.hash })),
            links.map(({ place, target }) => ({ path: inTree(place), target })),
          ),
    folders: [...new Map(reached.packages.map((one) => [one.content.hash, toKeep(one)])).values()],
    root,
    projectPath: inTree(folder),
    linked: new Set(reached.packages.filter(({ isLinked }) => isLinked).map(({ name }) => name)),
    neededBy: namesOf(reached),
    native: [...native.values()],
    nativeOf: (asked) => reached.from(asked).flatMap((one) => native.get(one) ?? []),
    spawnNeedOf: (asked) => spawnNeedIn(reached.from(asked)),
  };
}

function namesOf({ packages, neededBy }: Reached): ReadonlyMap<string, string> {
  const names = new Map(packages.map(({ folder, name }) => [folder, name]));
  return new Map(
    packages.flatMap(({ folder, name }) => {
      const by = names.get(neededBy.get(folder) ?? '');
      return by === undefined ? [] : [[name, by] as const];
    }),
  );
}

function spawnNeedIn(packages: readonly ReachedPackage[]): string | null {
  const addon = packages.find(({ content }) => content.platforms !== null);
  return (
    addon?.name.replace(/(?<=.)@[^@]*$/, '') ??
    packages.flatMap(({ content }) => content.names).find((name) => name.startsWith('node:')) ??
    null
  );
}

function treeOf(folders: PackageTree['folders'], links: PackageTree['links']): PackageTree {
  const rest = { folders: folders.toSorted(byPath), links: links.toSorted(byPath) };
  return { hash: sha256(treeText(rest)), ...rest };
}

/** By code units, so that the order is the same on every machine. */
function byPath({ path: left }: { readonly path: string }, { path: right }: { readonly path: string }): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function toKeep({ name, folder, files, content: { hash } }: ReachedPackage): FolderToKeep {
  return {
    name,
    source: folder,
    hash,
    files: files.map(({ path, bytes, isExecutable }) => ({ path, bytes, isExecutable })),
  };
}
