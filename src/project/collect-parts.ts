import type { ToldPackage } from '../engine/core/carried.ts';
import { dirname, join } from 'node:path';
import { CloudCodeError } from '../engine/core/errors.ts';
import type { FolderToKeep, PackageTree } from '../engine/core/kept-folder.ts';
import type { TaskBuild } from './build-tasks.ts';
import type { ProjectConfig } from './config.ts';
import type { BuildInputs } from './files/files-in-folder.ts';
import { type ErrorsOfTasks, findFiles } from './files/find-files.ts';
import { findPackages, type FoundPackages } from './packages/find-packages.ts';
import { isWithin } from './packages/list-files.ts';
import { placeBuilt } from './place-built.ts';
import { relativePath } from './relative-path.ts';
import { tellPackages } from './tell-packages.ts';
import { sha256 } from '../contents/sha256.ts';

/** What a project deploys besides its bundles. */
export interface DeployedParts {
  readonly packages: Pick<FoundPackages, 'folders' | 'projectPath'> & { readonly tree: PackageTree };
  /** Null when there is none. */
  readonly files: FolderToKeep | null;
  /** What was done with each package, and why. */
  readonly report: readonly ToldPackage[];
  /** Where tasks that name no `files` start threads and processes by computed paths: `cloudcode/a/index.ts:12`. */
  readonly computedStarts: readonly string[];
  /** By the task's file: what it reaches that only a spawned worker has. */
  readonly spawnNeeds: ReadonlyMap<string, string>;
}

/** A project without packages is laid out like any other. */
const noPackages: PackageTree = { hash: sha256(''), folders: [], links: [] };

interface Asked {
  /** Absolute, with symbolic links resolved. */
  readonly folder: string;
  /** By the task's file. */
  readonly built: ReadonlyMap<string, TaskBuild>;
  readonly config: ProjectConfig;
  /** A folder for what the next build can use; null: nothing is kept. */
  readonly cache: string | null;
}

export interface CollectedParts extends DeployedParts {
  /** The tasks that these are the parts of. */
  readonly built: Asked['built'];
  /** What is wrong with the files of each of the others, by its file. */
  readonly errors: ErrorsOfTasks;
}

/** Finds the packages and files of built tasks. @throws CloudCodeError of findPackages and findFiles */
export async function collectParts({ folder, built, config, cache }: Asked): Promise<CollectedParts> {
  const without = async (errors: ErrorsOfTasks): Promise<CollectedParts> => {
    const rest = await collectParts({
      folder,
      built: new Map([...built].filter(([file]) => !errors.has(file))),
      config,
      cache,
    });
    return { ...rest, errors: new Map([...errors, ...rest.errors]) };
  };
  const parts = [...built.values()].map((one) => one.parts);
  const all = <Item>(of: (one: TaskBuild['parts']) => readonly Item[]): readonly Item[] => parts.flatMap(of);
  const placed = new Map(parts.flatMap((one) => [...one.placed]));
  const inputs = inputsOf(folder, parts);
  const own = await findFiles({
    folder,
    cache,
    ...inputs,
    tasks: [...built].map(([file, one]) => ({ file, files: one.config.files })),
    files: [...(config.files ?? []), ...addonsIn(folder, parts)],
    maxMb: config.maxFilesMb,
  });
  if (own.errors.size > 0) return without(own.errors);
  const found = await findPackages({
    folder,
    cache,
    inputs: inputs.inputs,
    imports: all(({ imports }) => imports),
    named: all(({ named }) => named),
    linked: all(({ linked }) => linked),
    outside: own.outside,
    maxMb: config.maxPackagesMb,
  });
  const withAddons = addonsOutside(folder, { built, found });
  if (withAddons.size > 0) return without(withAddons);
  return {
    built,
    errors: new Map(),
    packages: { tree: found.tree ?? noPackages, folders: found.folders, projectPath: found.projectPath },
    files: await placeBuilt({ folder, files: own.files, placed }),
    report: tellPackages(folder, { found, built, config }),
    computedStarts: startsWithoutFiles(built, config),
    spawnNeeds: new Map(
      [...built].flatMap(([file, { parts: one }]) => {
        const need = found.spawnNeedOf(one);
        return need === null ? [] : [[file, need] as const];
      }),
    ),
  };
}

function startsWithoutFiles(built: Asked['built'], { files = [] }: ProjectConfig): readonly string[] {
  if (files.length > 0) return [];
  const without = [...built.values()].filter(({ config: own }) => (own.files ?? []).length === 0);
  return [...new Set(without.flatMap(({ parts }) => parts.computedStarts))];
}

function inputsOf(folder: string, parts: readonly TaskBuild['parts'][]): BuildInputs {
  const all = parts.flatMap((one) => [...one.inputs, ...one.addons]);
  // Data that is imported is also read by its name, now and then: it travels as it is.
  const code = all.filter((path) => /\.[cm]?[jt]sx?$/.test(path));
  return {
    inputs: new Set(all),
    built: new Set([...code, ...parts.flatMap(({ placed }) => [...placed.keys()].map((path) => join(folder, path)))]),
  };
}

/** Native add-ons of the project's own lie anywhere in it. Relative to its folder. */
function addonsIn(folder: string, parts: readonly TaskBuild['parts'][]): readonly string[] {
  return [
    ...new Set(
      parts.flatMap(({ addons }) =>
        addons.filter((path) => isWithin(folder, path)).map((path) => relativePath(folder, path)),
      ),
    ),
  ];
}

/** Those outside of the project travel with the linked package that they lie in; of others that is told, by task. */
function addonsOutside(
  folder: string,
  { built, found }: { readonly built: Asked['built']; readonly found: FoundPackages },
): ErrorsOfTasks {
  const travelling = new Set(
    found.folders.flatMap(({ source, files }) =>
      files.filter(({ path }) => path.endsWith('.node')).map(({ path }) => join(source, path)),
    ),
  );
  const errors = [...built].map(
    ([file, { parts }]) =>
      [
        file,
        parts.addons
          .filter((path) => !isWithin(folder, path) && !travelling.has(path))
          .map(
            (path) =>
              new CloudCodeError(
                'task_broken',
                `${file} uses the native add-on ${relativePath(folder, path)}, which lies outside of the project and in no package that it depends on: it cannot be deployed.`,
                {
                  hint: `Put it into the project's folder; or give its folder a package.json with a name, let the project depend on that (as a workspace, or by \`npm install ${relativePath(folder, dirname(path))}\`), and import it by that name.`,
                },
              ),
          ),
      ] as const,
  );
  return new Map(errors.filter(([, own]) => own.length > 0));
}
