import type { ToldPackage } from '../core/carried.ts';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { FolderToKeep, PackageTree } from '../core/kept-folder.ts';
import type { TaskBuild } from './build-tasks.ts';
import type { ProjectConfig } from './config.ts';
import { findFiles } from './files/find-files.ts';
import { type FoundPackages, findPackages } from './packages/find-packages.ts';
import { placeBuilt } from './place-built.ts';
import { relativePath } from './relative-path.ts';
import { tellPackages } from './tell-packages.ts';

/** What a project deploys besides its bundles. */
export interface DeployedParts {
  readonly packages: Pick<FoundPackages, 'folders' | 'projectPath'> & { readonly tree: PackageTree };
  /** Null when there is none. */
  readonly files: FolderToKeep | null;
  /** What was done with each package, and why. */
  readonly report: readonly ToldPackage[];
  /** By the task's file: what it reaches that only a spawned worker has. */
  readonly spawnNeeds: ReadonlyMap<string, string>;
}

/** A project without packages is laid out like any other. */
const noPackages: PackageTree = { hash: createHash('sha256').digest('hex'), folders: [], links: [] };

interface Asked {
  /** Absolute, with symbolic links resolved. */
  readonly folder: string;
  /** By the task's file. */
  readonly built: ReadonlyMap<string, TaskBuild>;
  readonly config: ProjectConfig;
  /** A folder for what the next build can use; null: nothing is kept. */
  readonly cache: string | null;
}

/** Finds the packages and files of built tasks. @throws CloudCodeError of findPackages and findFiles */
export async function collectParts({ folder, built, config, cache }: Asked): Promise<DeployedParts> {
  const parts = [...built.values()].map((one) => one.parts);
  const asked = { imports: parts.flatMap(({ imports }) => imports), named: parts.flatMap(({ named }) => named) };
  const [found, files] = await Promise.all([
    findPackages({ folder, ...asked, maxMb: config.maxPackagesMb, cache }),
    findFiles({ folder, cache, tasks: [...built].map(([file, one]) => ({ file, files: one.config.files })), files: filesToo(folder, built, config), built: codeIn(folder, built) }),
  ]);
  const placed = new Map(parts.flatMap((one) => [...one.placed]));
  return {
    packages: { tree: found.tree ?? noPackages, folders: found.folders, projectPath: found.projectPath },
    files: await placeBuilt({ folder, files, placed, cache }),
    report: tellPackages(folder, { found, built, config }),
    spawnNeeds: new Map([...built].flatMap(([file, { parts: one }]) => {
      const need = found.spawnNeedOf(one);
      return need === null ? [] : [[file, need] as const];
    })),
  };
}

/** Native add-ons of the project's own lie anywhere in it. */
function filesToo(folder: string, built: Asked['built'], { files = [] }: ProjectConfig): readonly string[] {
  return [...files, ...new Set([...built.values()].flatMap(({ parts }) => parts.addons.map((path) => relativePath(folder, path))))];
}

/** Data that is imported is also read by its name, now and then: it travels as it is. */
function codeIn(folder: string, built: Asked['built']): ReadonlySet<string> {
  const parts = [...built.values()].map((one) => one.parts);
  const code = parts.flatMap(({ inputs }) => inputs.filter((path) => /\.[cm]?[jt]sx?$/.test(path)));
  return new Set([...code, ...parts.flatMap(({ placed }) => [...placed.keys()].map((path) => join(folder, path)))]);
}
