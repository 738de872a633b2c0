import { CloudCodeError } from '../core/errors.ts';
import type { TaskConfig } from '../core/task-config.ts';
import { bundleExport, type Bundle } from './bundle.ts';
import { checkShape } from './check-shape.ts';
import { evaluateModules, type Evaluated, type ModuleToEvaluate } from './evaluate-modules.ts';
import type { FoundProject, FoundTask } from './find-project.ts';
import { surveyTasks, type Surveyed } from './survey-tasks.ts';
import { taskConfigSchema } from './task-config-schema.ts';

export interface TaskExports {
  /** By the task's file. */
  readonly configs: ReadonlyMap<string, Partial<TaskConfig>>;
  /** By the task's file. */
  readonly errors: ReadonlyMap<string, readonly CloudCodeError[]>;
}

/** `whole` says that not only `config` but the task itself is to be evaluated, since its text does not show what it exports. */
interface ToEvaluate {
  readonly task: FoundTask;
  readonly toEvaluate: ModuleToEvaluate;
  readonly whole: boolean;
}

type Looked = { readonly task: FoundTask; readonly config: unknown } | ToEvaluate | { readonly task: FoundTask; readonly error: CloudCodeError };

/**
 * Checks that each task exports `run`, and reads its `config`. A `config` of plain numbers and words is read from the text; any other, and a
 * CommonJS task, is loaded in a process of its own.
 */
export async function readTaskExports(project: FoundProject, bundles: ReadonlyMap<string, Bundle>): Promise<TaskExports> {
  const surveyed = await surveyTasks(project.folder, project.tasks.filter(({ file }) => bundles.has(file)));
  const looked = await Promise.all(project.tasks.map((task) => look(project.folder, task, { surveyed: surveyed.get(task.file), bundle: bundles.get(task.file) })));
  const waiting = looked.flatMap((one) => ('toEvaluate' in one ? [one.toEvaluate] : []));
  const evaluated = await evaluateModules(project.folder, waiting);
  const configs = new Map<string, Partial<TaskConfig>>();
  const errors = new Map<string, readonly CloudCodeError[]>();
  for (const one of looked) {
    const result = 'error' in one ? one.error : finish(one, evaluated);
    if (result instanceof CloudCodeError) errors.set(one.task.file, [result]);
    else if (result.errors !== null) errors.set(one.task.file, result.errors);
    else configs.set(one.task.file, result.value);
  }
  return { configs, errors };
}

async function look(folder: string, task: FoundTask, known: { readonly surveyed: Surveyed | undefined; readonly bundle: Bundle | undefined }): Promise<Looked> {
  const { surveyed, bundle } = known;
  if (surveyed === undefined || bundle === undefined) return { task, config: undefined };
  if (surveyed.exports === null) return { task, toEvaluate: { file: task.file, bundle }, whole: true };
  if (!surveyed.exports.includes('run')) return { task, error: withoutRun(task, surveyed.exports) };
  if (surveyed.runIsNoFunction) return { task, error: runIsNoFunction(task) };
  if (!surveyed.exports.includes('config')) return { task, config: undefined };
  const { bundle: onlyConfig } = await bundleExport(folder, task.file, 'config');
  if (onlyConfig === null) return { task, toEvaluate: { file: task.file, bundle }, whole: true };
  return readLiteral(onlyConfig.code, task) ?? { task, toEvaluate: { file: task.file, bundle: onlyConfig }, whole: false };
}

/** `var a={timeoutMs:60*1e3,workerStart:"spawn"};export{a as config};` and nothing else, as esbuild writes it when it minifies. */
function readLiteral(code: string, task: FoundTask): Looked | null {
  const body = code.slice(code.indexOf('\n') + 1).trim();
  const fields = /^var ([\w$]+)=\{([\w:.,*+"-]*)\};export\{\1 as config\};$/.exec(body)?.[2];
  if (fields === undefined) return null;
  const config: Record<string, number | string> = {};
  for (const field of fields === '' ? [] : fields.split(',')) {
    const [, name, text] = /^([A-Za-z_]\w*):"(\w*)"$/.exec(field) ?? [];
    if (name !== undefined && text !== undefined) {
      config[name] = text;
      continue;
    }
    const [, key, product] = /^([A-Za-z_]\w*):(-?[\d.]+(?:e\d+)?(?:\*[\d.]+(?:e\d+)?)*)$/.exec(field) ?? [];
    if (key === undefined || product === undefined) return null;
    config[key] = product.split('*').reduce((total, factor) => total * Number(factor), 1);
  }
  return { task, config };
}

function finish(one: Exclude<Looked, { error: unknown }>, evaluated: ReadonlyMap<string, Evaluated | CloudCodeError>) {
  if ('config' in one) return one.config === undefined ? noConfig : checkConfig(one.task, one.config);
  const result = evaluated.get(one.task.file);
  if (result === undefined) return noConfig;
  if (result instanceof CloudCodeError) return result;
  const { runType, hasConfig, config } = result;
  if (one.whole && runType !== 'function') return runType === 'undefined' ? withoutRun(one.task, []) : runIsNoFunction(one.task);
  return hasConfig ? checkConfig(one.task, config) : noConfig;
}

const noConfig = { value: {} as Partial<TaskConfig>, errors: null };

function checkConfig({ file }: FoundTask, config: unknown) {
  return checkShape(config, { schema: taskConfigSchema, code: 'invalid_task_config', file, name: '`config`' });
}

function withoutRun({ file }: FoundTask, exports: readonly string[]): CloudCodeError {
  const names = exports.map((name) => `\`${name}\``).join(', ');
  const nearest = exports.find((name) => name.toLowerCase() === 'run');
  return new CloudCodeError('task_without_run', `${file} does not export \`run\`; it exports ${names === '' ? 'nothing' : names}.`, {
    hint: nearest === undefined ? 'Write `export async function run(parameters) { … }`.' : `Rename \`${nearest}\` to \`run\`.`,
  });
}

function runIsNoFunction({ file }: FoundTask): CloudCodeError {
  return new CloudCodeError('task_without_run', `${file} exports a \`run\` that is no function.`, { hint: 'Write `export async function run(parameters) { … }`.' });
}
