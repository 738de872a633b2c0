import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { PackageTree } from '../../core/kept-folder.ts';
import { severalAtOnce } from '../../operations/several-at-once.ts';
import { type DeployedFolder, readContents, readPackageTree, type StoredContent } from '../../store/contents.ts';
import type { Queryable } from '../../store/open-store.ts';
import { DeploymentDamaged } from '../deployment-damaged.ts';
import { openUsedMarks } from '../used-marks.ts';
import { openContentCache } from './content-cache.ts';
import { type CopiedFile, copyFiles, linkFiles } from './copy-files.ts';
import { layOut } from './lay-out.ts';

/** The folders of a machine in which deployments lie. */
export interface MachineFolders {
  readonly bundles: string;
  readonly contents: string;
  readonly packages: string;
  readonly deployments: string;
}

export function machineFolders(machineFolder: string): MachineFolders {
  return { bundles: join(machineFolder, 'bundles'), contents: join(machineFolder, 'contents'), packages: join(machineFolder, 'packages'), deployments: join(machineFolder, 'deployments') };
}

/** The folder of a deployment on this machine. Absolute paths. */
export interface DeploymentFolder {
  /** The project's folder in it. */
  readonly project: string;
  /** As Node names it: the real path. Null for one without packages. */
  readonly packages: string | null;
}

/** Gives the folder of a deployment, with its files and its packages. */
export type DeploymentFolders = (deployed: DeployedFolder) => Promise<DeploymentFolder>;

const unpackedAtOnce = 4;

/** What a deployment's folder is called. */
export function deploymentHash({ treeHash, filesHash, projectPath }: DeployedFolder): string {
  return createHash('sha256').update(JSON.stringify([treeHash, filesHash, projectPath])).digest('hex');
}

/**
 * Lays out deployments as folders. Their names are hashes, so several runners may share them, and a new version of the code alone makes no new one. All is looked at when this runner first uses it,
 * and again when a folder is another than it was: what is missing or of another size is written from the database.
 */
export function openDeploymentFolders(db: Queryable, folders: MachineFolders): DeploymentFolders {
  const markUsed = openUsedMarks();
  const contents = openContentCache(db, folders.contents, markUsed);
  const checked = new Map<string, string>();
  const underWay = new Map<string, Promise<void>>();
  let realPackages: string | null = null;

  const layOutTree = async (hash: string): Promise<void> => {
    const tree = await readPackageTree(db, hash);
    if (tree === null) throw new DeploymentDamaged(`The packages ${hash} are not in the database.`);
    const stored = await readAll(db, tree.folders.map((folder) => folder.hash));
    await layOut(join(folders.packages, hash), { files: filesIn(tree.folders, stored, folders), links: tree.links }, async (to, files) => {
      await severalAtOnce(new Set(files.map(({ content }) => content)), unpackedAtOnce, contents);
      await linkFiles(to, files);
    });
  };
  const layOutDeployment = async (folder: string, { treeHash, filesHash, projectPath }: DeployedFolder): Promise<void> => {
    const tree = treeHash === null ? null : await readPackageTree(db, treeHash);
    const places = [...(tree === null ? [] : outsideModules(tree)), ...(filesHash === null ? [] : [{ path: projectPath, hash: filesHash }])];
    const stored = await readAll(db, places.map(({ hash }) => hash));
    const links = treeHash === null || tree === null ? [] : outermostModules(tree).map((path) => ({ path, target: posix.join(posix.relative(posix.dirname(path), '.'), '../../packages', treeHash, path) }));
    await layOut(folder, { files: filesIn(places, stored, folders), links }, async (to, wanted) => {
      for (const content of new Set(wanted.map((file) => file.content))) await contents(content);
      await copyFiles(to, wanted);
    });
  };

  return async (deployed) => {
    const { treeHash, projectPath } = deployed;
    const name = deploymentHash(deployed);
    const folder = join(folders.deployments, name);
    const packages = treeHash === null ? null : join(folders.packages, treeHash);
    markUsed(folders.deployments, name);
    if (treeHash !== null) markUsed(folders.packages, treeHash);
    const ensure = async (path: string, write: () => Promise<void>): Promise<void> => {
      // As it was before it was looked at: a change since then is found at the next use.
      const seen = identityOf(path);
      if (seen !== null && checked.get(path) === seen) return;
      const pending = underWay.get(path) ?? write().finally(() => underWay.delete(path));
      underWay.set(path, pending);
      await pending;
      if (seen !== null) checked.set(path, seen);
    };
    if (packages !== null && treeHash !== null) await ensure(packages, () => layOutTree(treeHash));
    await ensure(folder, () => layOutDeployment(folder, deployed));
    if (treeHash === null) return { project: join(folder, projectPath), packages: null };
    realPackages ??= await realpath(folders.packages);
    return { project: join(folder, projectPath), packages: join(realPackages, treeHash) };
  };
}

/** Tells cheaply whether a folder is the one that was looked at; null when there is none. */
function identityOf(folder: string): string | null {
  const stat = statSync(folder, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? null : `${stat.dev} ${stat.ino} ${stat.birthtimeNs}`;
}

async function readAll(db: Queryable, hashes: readonly string[]): Promise<ReadonlyMap<string, StoredContent>> {
  const found = new Map((await readContents(db, [...new Set(hashes)])).map((content) => [content.hash, content]));
  const gone = hashes.find((hash) => !found.has(hash));
  if (gone !== undefined) throw new DeploymentDamaged(`The files ${gone} are not in the database.`);
  return found;
}

interface PlacedFile extends CopiedFile {
  readonly content: StoredContent;
}

/** The files of contents, each once: where two places have one, it is that of the last. */
function filesIn(places: PackageTree['folders'], stored: ReadonlyMap<string, StoredContent>, folders: MachineFolders): readonly PlacedFile[] {
  const all = places.flatMap(({ path: place, hash }) => {
    const content = stored.get(hash);
    return (content?.files ?? []).map((file): PlacedFile => ({ ...file, path: place === '' ? file.path : `${place}/${file.path}`, from: join(folders.contents, hash, file.path), content: content as StoredContent }));
  });
  return [...new Map(all.map((file) => [file.path, file])).values()];
}

/** Those that are linked into a `node_modules` from elsewhere: code that is in the bundles looks for their files where the project has them. */
function outsideModules({ folders }: Omit<PackageTree, 'hash'>): PackageTree['folders'] {
  return folders.filter(({ path }) => !path.split('/').includes('node_modules'));
}

/** The `node_modules` of a tree that lie in no other. */
function outermostModules({ folders, links }: Omit<PackageTree, 'hash'>): readonly string[] {
  const found = [...folders, ...links].flatMap(({ path }) => {
    const parts = path.split('/');
    const index = parts.indexOf('node_modules');
    return index === -1 ? [] : [parts.slice(0, index + 1).join('/')];
  });
  return [...new Set(found)];
}
