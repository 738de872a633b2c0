import { CloudCodeError } from '../core/errors.ts';
import type { DataModel } from '../core/data-model.ts';
import type { TaskConfig } from '../core/task-config.ts';
import { atStep } from './build-steps.ts';
import { bundleHash } from './bundle-hash.ts';
import { bundleTask, type Bundle } from './bundle.ts';
import { readConfig, type ProjectConfig } from './config.ts';
import { readDataModelFile } from './data-model/read-data-model-file.ts';
import { findProject } from './find-project.ts';
import { forgetPackages } from './native-package.ts';
import { fromMessage, throwErrors } from './problems.ts';
import { readTaskExports } from './read-task-exports.ts';

export interface BuiltTask extends Bundle {
  readonly name: string;
  /** Of the bundle. */
  readonly hash: string;
  /** Relative to the project's folder: `cloudcode/othertask/index.ts`. */
  readonly file: string;
  /** What the task's own `config` sets; the project's `defaults` are in `BuiltProject.config`. */
  readonly config: Partial<TaskConfig>;
}

export interface BuiltProject {
  readonly name: string;
  /** Absolute, with symbolic links resolved. */
  readonly folder: string;
  /** By name. */
  readonly tasks: readonly BuiltTask[];
  readonly config: ProjectConfig;
  /** null when the project has none. */
  readonly dataModel: DataModel | null;
}

/**
 * Bundles every task of a project and reads the configuration and the data model. The same sources give the same bytes, wherever the folder lies.
 * No code of a task runs in this process (the project's own cloudcode.config.ts and data-model.ts do). esbuild's process stays for the next build
 * until `endBundler`, or until this process ends.
 *
 * A bundle finds the project's folder, for `import.meta.url` and native add-ons, in `globalThis[Symbol.for('cloudcode.folder')]`, and
 * else takes the current folder.
 * @throws CloudCodeError of findProject; else one error for all that is wrong: `task_broken` (with file, line and caret),
 *   `task_without_run`, `invalid_task_config`, `invalid_config`, `invalid_data_model`
 */
export async function buildProject(folder: string): Promise<BuiltProject> {
  const project = await findProject(folder);
  forgetPackages();
  const [config, dataModel, bundled] = await Promise.all([
    readConfig(project.folder).catch(keepUserError),
    readDataModelFile(project.folder, project.tasks.map(({ name }) => name)).catch(keepUserError),
    Promise.all(project.tasks.map(async (task) => ({ ...task, ...(await atStep(`bundling ${task.file}`, () => bundleTask(project.folder, task.file))) }))),
  ]);
  const bundles = new Map(bundled.flatMap(({ file, bundle }) => (bundle === null ? [] : [[file, bundle] as const])));
  const exported = await atStep('reading what the tasks export', () => readTaskExports(project, bundles));
  const broken = bundled.flatMap(({ problems }) => problems ?? []).map((problem) => fromMessage('task_broken', problem));
  throwErrors([...withoutDoubles(broken), ...exported.errors, ...[config, dataModel].filter((one) => one instanceof CloudCodeError)]);
  const tasks = bundled.flatMap(({ name, file, bundle }) => (bundle === null ? [] : [{ name, file, config: exported.configs.get(file) ?? {}, ...bundle, hash: bundleHash(bundle) }]));
  return { name: project.name, folder: project.folder, tasks, config: config instanceof CloudCodeError ? {} : config, dataModel: dataModel instanceof CloudCodeError ? null : dataModel };
}

function keepUserError(error: unknown): CloudCodeError {
  if (error instanceof CloudCodeError) return error;
  throw error;
}

/** A mistake in shared code is found by every task that imports it. */
function withoutDoubles(errors: readonly CloudCodeError[]): readonly CloudCodeError[] {
  return [...new Map(errors.map((error) => [error.message, error])).values()];
}
