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
import { type BrokenFile, sortOutBroken } from './sort-out-broken.ts';

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
  /** Tasks that cannot be built as they stand; none unless they were to be passed over. By name. */
  readonly broken: readonly BrokenFile[];
  readonly config: ProjectConfig;
  /** null when the project has none. */
  readonly dataModel: DataModel | null;
}

export interface BuildOptions {
  /** `pass_over`: the others are built and these named, unless none is good. What is wrong with the rest of the project is refused in any case. */
  readonly brokenTasks?: BrokenTasks | undefined;
}

export type BrokenTasks = 'refuse' | 'pass_over';

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
export async function buildProject(folder: string, { brokenTasks = 'refuse' }: BuildOptions = {}): Promise<BuiltProject> {
  const project = await findProject(folder);
  forgetPackages();
  const [config, dataModel, bundled] = await Promise.all([
    readConfig(project.folder).catch(keepUserError),
    readDataModelFile(project.folder, project.tasks.map(({ name }) => name)).catch(keepUserError),
    Promise.all(project.tasks.map(async (task) => ({ ...task, ...(await atStep(`bundling ${task.file}`, () => bundleTask(project.folder, task.file))) }))),
  ]);
  const bundles = new Map(bundled.flatMap(({ file, bundle }) => (bundle === null ? [] : [[file, bundle] as const])));
  const exported = await atStep('reading what the tasks export', () => readTaskExports(project, bundles));
  const wrong = new Map(exported.errors);
  for (const { file, problems } of bundled) if (problems !== null) wrong.set(file, problems.map((problem) => fromMessage('task_broken', problem)));
  const broken = sortOutBroken(project.tasks, wrong);
  const isRefused = brokenTasks === 'refuse' || broken.length === project.tasks.length;
  throwErrors([...(isRefused ? inOrder(project.tasks.flatMap(({ file }) => wrong.get(file) ?? [])) : []), ...[config, dataModel].filter((one) => one instanceof CloudCodeError)]);
  const tasks = bundled.flatMap(({ name, file, bundle }) => (bundle === null || wrong.has(file) ? [] : [{ name, file, config: exported.configs.get(file) ?? {}, ...bundle, hash: bundleHash(bundle) }]));
  return { name: project.name, folder: project.folder, tasks, broken, config: config instanceof CloudCodeError ? {} : config, dataModel: dataModel instanceof CloudCodeError ? null : dataModel };
}

function keepUserError(error: unknown): CloudCodeError {
  if (error instanceof CloudCodeError) return error;
  throw error;
}

/** What cannot be built comes first; a mistake in shared code is found by every task that imports it, and told once. */
function inOrder(errors: readonly CloudCodeError[]): readonly CloudCodeError[] {
  const once = [...new Map(errors.map((error) => [error.message, error])).values()];
  return once.toSorted((left, right) => Number(right.code === 'task_broken') - Number(left.code === 'task_broken'));
}
