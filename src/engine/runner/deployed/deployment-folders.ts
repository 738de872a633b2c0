import { realpath } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { PackageTree } from '../../core/kept-folder.ts';
import { severalAtOnce } from '../../operations/several-at-once.ts';
import { readPackageSources } from '../../../contents/remembered-contents.ts';
import { type DeployedFolder, readContents, readPackageTree, type StoredContent } from '../../store/contents.ts';
import type { Queryable } from '../../store/open-store.ts';
import { DeploymentDamaged } from '../deployment-damaged.ts';
import { openUsedMarks } from '../used-marks.ts';
import { openContentCache } from './content-cache.ts';
import { copyFiles, linkFiles } from './copy-files.ts';
import { identityOf, layOut } from './lay-out.ts';
import type { Part } from './layout-stamps.ts';
import { sha256 } from '../../../contents/sha256.ts';

/** The folders of a machine in which deployments lie. */
export interface MachineFolders {
  readonly bundles: string;
  readonly contents: string;
  readonly packages: string;
  readonly deployments: string;
  /** Where builds keep what they can use again. */
  readonly builds: string;
}

export function machineFolders(machineFolder: string): MachineFolders {
  const at = (name: string): string => join(machineFolder, name);
  return {
    bundles: at('bundles'),
    contents: at('contents'),
    packages: at('packages'),
    deployments: at('deployments'),
    builds: machineFolder,
  };
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
  return sha256(JSON.stringify([treeHash, filesHash, projectPath]));
}

/**
 * Lays out deployments as folders. Their names are hashes, so several runners may share them, and a new version of the code alone makes no new one. All is looked at when this runner first uses it,
 * and again when a folder is another than it was: what is missing or altered is copied from where it was deployed from, if that is here and still the same, else written from the database.
 */
export function openDeploymentFolders(db: Queryable, folders: MachineFolders): DeploymentFolders {
  const markUsed = openUsedMarks();
  const contents = openContentCache(db, folders.contents, markUsed);
  const checked = new Map<string, string>();
  const underWay = new Map<string, Promise<void>>();
  let realPackages: string | null = null;

  const layOutTree = async (hash: string): Promise<string | null> => {
    const tree = await readPackageTree(db, hash);
    if (tree === null) throw new DeploymentDamaged(`The packages ${hash} are not in the database.`);
    const stored = await readAll(
      db,
      tree.folders.map((folder) => folder.hash),
    );
    return layOut(
      join(folders.packages, hash),
      { parts: partsOf(tree.folders, stored), links: tree.links },
      async (to, parts) => {
        const sources = await readPackageSources(folders.builds);
        await severalAtOnce(new Set(parts.map(({ content }) => content)), unpackedAtOnce, (content) =>
          contents(content, sources.get(content.hash)),
        );
        await eachPart(to, parts, linkFiles);
      },
    );
  };
  const layOutDeployment = async (
    folder: string,
    { treeHash, filesHash, projectPath }: DeployedFolder,
  ): Promise<string | null> => {
    const tree = treeHash === null ? null : await readPackageTree(db, treeHash);
    const places = [
      ...(tree === null ? [] : outsideModules(tree)),
      ...(filesHash === null ? [] : [{ path: projectPath, hash: filesHash }]),
    ];
    const stored = await readAll(
      db,
      places.map(({ hash }) => hash),
    );
    const links =
      treeHash === null || tree === null
        ? []
        : outermostModules(tree).map((path) => ({
            path,
            target: posix.join(posix.relative(posix.dirname(path), '.'), '../../packages', treeHash, path),
          }));
    return layOut(folder, { parts: partsOf(places, stored), links }, async (to, parts) => {
      for (const { content } of parts) await contents(content);
      await eachPart(to, parts, copyFiles);
    });
  };
  const eachPart = async (to: string, parts: readonly Part[], put: typeof linkFiles): Promise<void> => {
    for (const { place, content, files } of parts)
      await put({ from: join(folders.contents, content.hash), to: join(to, place), files });
  };

  return async (deployed) => {
    const { treeHash, projectPath } = deployed;
    const name = deploymentHash(deployed);
    const folder = join(folders.deployments, name);
    const packages = treeHash === null ? null : join(folders.packages, treeHash);
    markUsed(folders.deployments, name);
    if (treeHash !== null) markUsed(folders.packages, treeHash);
    const ensure = async (path: string, write: () => Promise<string | null>): Promise<void> => {
      const seen = identityOf(path);
      const note = (written: string | null): void => {
        if (written !== null) checked.set(path, written);
      };
      if (seen !== null && checked.get(path) === seen) return;
      const pending =
        underWay.get(path) ??
        write()
          .then(note)
          .finally(() => underWay.delete(path));
      underWay.set(path, pending);
      await pending;
    };
    if (packages !== null && treeHash !== null) await ensure(packages, () => layOutTree(treeHash));
    await ensure(folder, () => layOutDeployment(folder, deployed));
    if (treeHash === null) return { project: join(folder, projectPath), packages: null };
    realPackages ??= await realpath(folders.packages);
    return { project: join(folder, projectPath), packages: join(realPackages, treeHash) };
  };
}

async function readAll(db: Queryable, hashes: readonly string[]): Promise<ReadonlyMap<string, StoredContent>> {
  const found = new Map((await readContents(db, [...new Set(hashes)])).map((content) => [content.hash, content]));
  const gone = hashes.find((hash) => !found.has(hash));
  if (gone !== undefined) throw new DeploymentDamaged(`The files ${gone} are not in the database.`);
  return found;
}

/** The files of contents, each once: where two places have one, it is that of the last. */
function partsOf(places: PackageTree['folders'], stored: ReadonlyMap<string, StoredContent>): readonly Part[] {
  const taken = new Set<string>();
  const isFree = (path: string): boolean => !taken.has(path) && taken.add(path).has(path);
  return places.toReversed().flatMap(({ path: place, hash }) => {
    const content = stored.get(hash);
    return content === undefined
      ? []
      : [{ place, content, files: content.files.filter(({ path }) => isFree(posix.join(place, path))) }];
  });
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
