import { basename, dirname, join } from 'node:path';
import { type BuildInputs, filesInFolder } from '../files/files-in-folder.ts';
import { neverTravels } from '../files/never-travels.ts';
import { type ListedFile, listFiles, type LeftOut } from './list-files.ts';
import { type FoundPackage, type Manifest, packageFinder, packageFolderOf, readManifest } from './package-place.ts';
import type { FolderContent } from '../../contents/remembered-contents.ts';
import type { ContentReader } from './remember-contents.ts';

/** A package that code of a project needs, or something that it needs. */
export interface ReachedPackage {
  /** `pg@8.16.0`. */
  readonly name: string;
  /** Absolute, with symbolic links resolved. */
  readonly folder: string;
  readonly files: readonly ListedFile[];
  readonly bytes: number;
  readonly content: FolderContent;
  /** Linked from outside of every `node_modules`, and imported: its code is in the bundles too. */
  readonly isLinked: boolean;
}

/** Where a project's code begins to look for packages. */
export interface Beginning {
  readonly imports: readonly { readonly path: string; readonly importer: string }[];
  readonly named: readonly NamedPackage[];
  /** Names by which code imports what lies in no `node_modules`. */
  readonly linked: readonly NamedPackage[];
}

interface NamedPackage {
  readonly name: string;
  readonly importer: string;
}

export interface WholeBeginning extends Beginning, Pick<BuildInputs, 'inputs'> {
  /** The project's. */
  readonly folder: string;
  /** Other folders outside of the project that code is built from: absolute. */
  readonly outside: readonly string[];
}

export interface Reached {
  /** In order of their folders. */
  readonly packages: readonly ReachedPackage[];
  /** As they were looked up. */
  readonly found: readonly FoundPackage[];
  /** By the folder of a package: that of the first one that needs it. */
  readonly neededBy: ReadonlyMap<string, string>;
  /** Those that a part of the project reaches. */
  from(part: Beginning): readonly ReachedPackage[];
}

interface Reading {
  readonly contents: ContentReader;
  /** What is beyond it is measured alone: it will be refused. */
  readonly maxBytes: number;
}

/** All packages that a project reaches: see `findPackages`. */
export async function closePackages(
  { folder: project, outside, inputs, ...whole }: WholeBeginning,
  { contents, maxBytes }: Reading,
): Promise<Reached> {
  const find = packageFinder();
  const found: FoundPackage[] = [];
  const packages = new Map<string, ReachedPackage>();
  const needs = new Map<string, readonly string[]>();
  const neededBy = new Map<string, string>();
  let bytes = 0;
  /** What a package has for its own tests and builds is not followed, unless the project depends on it: as on a driver that the package is tested with. */
  const ofProject = new Set(declaredBy(readManifest(project)));

  const look = (from: string, names: Iterable<string>): readonly string[] =>
    [...names].flatMap((name) => {
      const one = find(from, name);
      // A package may name itself, or the project that it is linked into.
      if (one === null || one.folder === from || one.folder === project) return [];
      found.push(one);
      return [one.folder];
    });
  const lookAll = (names: readonly NamedPackage[]): readonly string[] =>
    names.flatMap(({ name, importer }) => look(dirname(importer), [name]));
  const linkedOf = ({ linked }: Pick<Beginning, 'linked'>): readonly string[] =>
    lookAll(linked).filter((folder) => packageFolderOf(folder) === null);
  const beginningsOf = ({ imports, named }: Beginning): readonly string[] => [
    ...imports.flatMap(({ path }) => folderOf(path) ?? []),
    ...lookAll(named),
  ];
  const linked = new Set([...linkedOf(whole), ...outside]);

  const read = async (folder: string): Promise<readonly string[]> => {
    const manifest = readManifest(folder);
    const name = nameOf(folder, manifest);
    const isLinked = linked.has(folder);
    const files = isLinked
      ? filesInFolder(folder, { from: '', built: new Set([project]), inputs })
      : listFiles(folder, leftOutOf(folder, project));
    const own = files.reduce((sum, file) => sum + file.bytes, 0);
    bytes += own;
    const content = bytes > maxBytes ? unread : await contents.read({ name, folder, files });
    packages.set(folder, { name, folder, files, bytes: own, content, isLinked });
    const forItself = new Set(Object.keys(manifest.devDependencies ?? {}).filter((one) => !ofProject.has(one)));
    return look(
      folder,
      new Set([
        ...declaredBy(manifest),
        ...content.names.filter((one) => !one.startsWith('node:') && !forItself.has(one)),
      ]),
    );
  };

  const begin = [...beginningsOf(whole), ...linked];
  const due = [...begin];
  for (let folder = due.pop(); folder !== undefined; folder = due.pop()) {
    if (needs.has(folder)) continue;
    const needed = await read(folder);
    needs.set(folder, needed);
    for (const one of needed) if (!neededBy.has(one)) neededBy.set(one, folder);
    due.push(...needed);
  }
  const inOrder = (folders: Iterable<string>): readonly ReachedPackage[] =>
    [...folders].sort().flatMap((folder) => packages.get(folder) ?? []);
  return {
    packages: inOrder(packages.keys()),
    found,
    neededBy,
    from: (part) => inOrder(closureOf([...beginningsOf(part), ...linkedOf(part)], needs)),
  };
}

/** Null for a file that stands in a `node_modules` by itself. */
function folderOf(path: string): string | null {
  const folder = packageFolderOf(path);
  return folder === path ? null : folder;
}

const unread: FolderContent = { hash: '', names: [], platforms: null };

function declaredBy({
  dependencies,
  optionalDependencies,
  peerDependencies,
  peerDependenciesMeta,
}: Manifest): readonly string[] {
  return [dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta].flatMap((names) =>
    Object.keys(names ?? {}),
  );
}

function nameOf(folder: string, { name, version }: Manifest): string {
  const parent = basename(dirname(folder));
  const ownName =
    typeof name === 'string' && name !== ''
      ? name
      : /^[@.]/.test(parent)
        ? `${parent}/${basename(folder)}`
        : basename(folder);
  return typeof version === 'string' && version !== '' ? `${ownName}@${version}` : ownName;
}

/** What is not part of a package. One that is linked from outside of every `node_modules` is somebody's working folder. */
function leftOutOf(folder: string, project: string): LeftOut {
  if (packageFolderOf(folder) !== null) return (place) => place === join(folder, 'node_modules');
  return (place, name) => neverTravels(name) || place === project;
}

function closureOf(begin: readonly string[], needs: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const reached = new Set<string>();
  const due = [...begin];
  for (let folder = due.pop(); folder !== undefined; folder = due.pop()) {
    if (reached.has(folder)) continue;
    reached.add(folder);
    due.push(...(needs.get(folder) ?? []));
  }
  return reached;
}
