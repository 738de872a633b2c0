import { join } from 'node:path';
import { CloudCodeError } from '../engine/core/errors.ts';
import type { FolderToKeep } from '../engine/core/kept-folder.ts';
import type { TaskConfig } from '../engine/core/task-config.ts';
import { buildTasks } from './build-tasks.ts';
import { atStep } from './build-steps.ts';
import { collectParts, type DeployedParts } from './collect-parts.ts';
import type { StoredBundle } from '../contents/stored-bundle.ts';
import { type ProjectConfig, readConfig } from './config.ts';
import type { ProjectExtension } from './extension.ts';
import { findProject } from './find-project.ts';
import { refusePlugNPlay } from './packages/refuse-plug-n-play.ts';
import { type BrokenFile, distinctErrors, sortOutBroken, throwErrors } from './problems.ts';
import { relativePath } from './relative-path.ts';

export type BuiltTask = StoredBundle & {
  readonly name: string;
  /** Relative to the project's folder: `cloudcode/othertask/index.ts`. */
  readonly file: string;
  /** What the task's own `config` sets; the project's `defaults` are in `BuiltProject.config`. */
  readonly config: Partial<TaskConfig>;
  /** Names of packages that Node loads by itself. */
  readonly external: readonly string[];
  /** Why its worker cannot be forked: what it needs; null when nothing is seen. */
  readonly spawnNeed: string | null;
};

export interface BuiltProject {
  readonly name: string;
  /** Absolute, with symbolic links resolved. */
  readonly folder: string;
  /** By name. */
  readonly tasks: readonly BuiltTask[];
  /** Tasks that cannot be built as they stand; none unless they were to be passed over. By name. */
  readonly broken: readonly BrokenFile[];
  readonly config: ProjectConfig;
  /** What an extension has read of it; null for nothing. */
  readonly extension: unknown;
  readonly packages: DeployedParts['packages'];
  /** What it deploys besides code; null when there is nothing. Paths are relative to the project's folder. */
  readonly files: FolderToKeep | null;
  /** What was done with each package, and why. */
  readonly report: DeployedParts['report'];
  readonly computedStarts: DeployedParts['computedStarts'];
}

export interface BuildOptions {
  /** `pass_over`: the others are built and these named, unless none is good. What is wrong with the rest of the project is refused in any case. */
  readonly brokenTasks?: BrokenTasks | undefined;
  /** A folder for what the next build can use; null: nothing is kept. */
  readonly cache?: string | null;
  readonly extension?: ProjectExtension | null;
}

export type BrokenTasks = 'refuse' | 'pass_over';

/**
 * Bundles every task of a project and reads the configuration, and what an extension has there (the data model). The same sources give the same bytes, wherever the folder lies.
 * No code of a task runs in this process (the project's own cloudcode.config.ts and data-model.ts do). esbuild's process stays for the next build
 * until `endBundler`, or until this process ends.
 *
 * A bundle is made to stand beside the task's file, where it finds packages and the project's folder by relative paths.
 * @throws CloudCodeError of findProject, `plug_n_play`; else one error for all that is wrong: `task_broken` (with file, line and caret),
 *   `task_without_run`, `invalid_task`, `task_name_clash`, `invalid_task_config`, `invalid_config`, `invalid_data_model`
 */
export async function buildProject(
  folder: string,
  { brokenTasks = 'refuse', cache = null, extension = null }: BuildOptions = {},
): Promise<BuiltProject> {
  const project = await findProject(folder);
  refusePlugNPlay(project.folder);
  const names = project.tasks.map(({ name }) => name);
  const [config, added] = await Promise.all([
    readConfig(project.folder).catch(keepUserError),
    extension?.read(project.folder, names).catch(keepUserError),
  ]);
  const settings = config instanceof CloudCodeError ? {} : config;
  const named = project.tasks.filter(({ file }) => !project.misnamed.has(file));
  const { built: compiled, errors } = await buildTasks({
    ...project,
    tasks: named,
    bundled: settings.bundle ?? [],
    cache: cache === null ? null : join(cache, 'build'),
  });
  const wrong = new Map([...project.misnamed, ...errors]);
  const refuse = (others: readonly CloudCodeError[]): void => {
    const isRefused = brokenTasks === 'refuse' || project.tasks.every(({ file }) => wrong.has(file));
    throwErrors([...(isRefused ? inOrder(project.tasks.flatMap(({ file }) => wrong.get(file) ?? [])) : []), ...others]);
  };
  refuse([config, added].filter((one) => one instanceof CloudCodeError));
  const {
    spawnNeeds,
    built,
    errors: ofParts,
    ...parts
  } = await atStep('finding packages and files', () =>
    collectParts({ folder: project.folder, built: compiled, config: settings, cache }),
  );
  for (const [file, own] of ofParts) wrong.set(file, own);
  refuse([]);
  const broken = sortOutBroken(project.tasks, wrong);
  const tasks = project.tasks.flatMap(({ name, file }) => {
    const one = built.get(file);
    if (one === undefined) return [];
    const {
      config: own,
      parts: { bundle, nodeModule, addons },
    } = one;
    const spawnNeed =
      nodeModule ?? spawnNeeds.get(file) ?? (addons[0] === undefined ? null : relativePath(project.folder, addons[0]));
    return [
      {
        name,
        file,
        config: own,
        ...bundle,
        external: [...new Set([...(settings.external ?? []), ...(own.external ?? [])])],
        spawnNeed,
      },
    ];
  });
  return {
    name: project.name,
    folder: project.folder,
    tasks,
    broken,
    config: settings,
    extension: added ?? null,
    ...parts,
  };
}

/** What cannot be built comes first; a mistake in shared code is found by every task that imports it, and told once. */
function inOrder(errors: readonly CloudCodeError[]): readonly CloudCodeError[] {
  return distinctErrors(errors).toSorted(
    (left, right) => Number(right.code === 'task_broken') - Number(left.code === 'task_broken'),
  );
}

function keepUserError(error: unknown): CloudCodeError {
  if (error instanceof CloudCodeError) return error;
  throw error;
}
