import { CloudCodeError } from '../engine/core/errors.ts';
import type { TaskConfig } from '../engine/core/task-config.ts';
import { bundleExports, bundleHere } from './bundle.ts';
import type { BundledEntry } from './bundle-tasks.ts';
import { checkShape } from './check-shape.ts';
import { evaluateModules, type Evaluated, type ModuleToEvaluate } from './evaluate-modules.ts';
import type { FoundTask } from './find-project.ts';
import { readBundleText } from '../contents/stored-bundle.ts';
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

type Looked =
  | { readonly task: FoundTask; readonly config: unknown }
  | ToEvaluate
  | { readonly task: FoundTask; readonly error: CloudCodeError };

/**
 * Checks that each task exports `run`, and reads its `config`. A `config` of plain numbers and words is read from the text; any other, and a
 * CommonJS task, is loaded in a process of its own.
 */
export async function readTaskExports(
  folder: string,
  tasks: readonly FoundTask[],
  built: ReadonlyMap<string, BundledEntry>,
): Promise<TaskExports> {
  const read = tasks.map((task) => [task, readText(task, built.get(task.file))] as const);
  const computed = await bundleExports(
    folder,
    read.flatMap(([{ file }, one]) => (one === 'computed' ? [file] : [])),
    'config',
  );
  const looked = await Promise.all(
    read.map(async ([task, one]): Promise<Looked> => {
      const bundle = built.get(task.file);
      if (typeof one !== 'string' || bundle === undefined)
        return typeof one === 'string' ? { task, config: undefined } : one;
      const onlyConfig = computed.get(task.file);
      return onlyConfig === undefined
        ? evaluateWhole(folder, task, bundle)
        : { task, toEvaluate: { file: task.file, bundle: onlyConfig }, whole: false };
    }),
  );
  const waiting = looked.flatMap((one) => ('toEvaluate' in one ? [one.toEvaluate] : []));
  const evaluated = await evaluateModules(folder, waiting);
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

/** What the text shows; else whether `config` alone or the task itself is to be evaluated. */
function readText(task: FoundTask, built: BundledEntry | undefined): Looked | 'computed' | 'unknown' {
  if (built === undefined) return { task, config: undefined };
  const { exports, runIsNoFunction, config } = built.surveyed;
  if (exports === null) return 'unknown';
  if (!exports.includes('run')) return { task, error: withoutRun(task, exports) };
  if (runIsNoFunction) return { task, error: notAFunction(task) };
  return exports.includes('config') && config === null ? 'computed' : { task, config: config ?? undefined };
}

async function evaluateWhole(folder: string, task: FoundTask, { bundle }: BundledEntry): Promise<ToEvaluate> {
  // An ES module is loaded from no file here, and finds nothing that is relative to one.
  const here = bundle.format === 'esm' ? (await bundleHere(folder, task.file)).bundle : null;
  const { format } = bundle;
  return {
    task,
    toEvaluate: { file: task.file, bundle: here ?? { format, ...(await readBundleText(bundle)) } },
    whole: true,
  };
}

function finish(one: Exclude<Looked, { error: unknown }>, evaluated: ReadonlyMap<string, Evaluated | CloudCodeError>) {
  if ('config' in one) return one.config === undefined ? noConfig : checkConfig(one.task, one.config);
  const result = evaluated.get(one.task.file);
  if (result === undefined) return noConfig;
  if (result instanceof CloudCodeError) return result;
  const { runType, hasConfig, config } = result;
  if (one.whole && runType !== 'function')
    return runType === 'undefined' ? withoutRun(one.task, []) : notAFunction(one.task);
  return hasConfig ? checkConfig(one.task, config) : noConfig;
}

const noConfig = { value: {} as Partial<TaskConfig>, errors: null };

function checkConfig({ file }: FoundTask, config: unknown) {
  return checkShape(config, { schema: taskConfigSchema, code: 'invalid_task_config', file, name: '`config`' });
}

function withoutRun({ file }: FoundTask, exports: readonly string[]): CloudCodeError {
  const names = exports.map((name) => `\`${name}\``).join(', ');
  const nearest = exports.find((name) => name.toLowerCase() === 'run');
  return new CloudCodeError(
    'task_without_run',
    `${file} does not export \`run\`; it exports ${names === '' ? 'nothing' : names}.`,
    {
      hint:
        nearest === undefined
          ? 'Write `export async function run(parameters) { … }`.'
          : `Rename \`${nearest}\` to \`run\`.`,
    },
  );
}

function notAFunction({ file }: FoundTask): CloudCodeError {
  return new CloudCodeError('task_without_run', `${file} exports a \`run\` that is no function.`, {
    hint: 'Write `export async function run(parameters) { … }`.',
  });
}
