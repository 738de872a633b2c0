import { readdir } from 'node:fs/promises';
import { z } from 'zod';
import { CloudCodeError } from '../engine/core/errors.ts';
import { maxLeaseMs, minLeaseMs } from '../engine/core/lease.ts';
import type { Retention } from '../engine/core/retention.ts';
import { parseQueue } from '../engine/core/schedule-request.ts';
import type { TaskLimits, WorkerStart } from '../engine/core/task-config.ts';
import { oneOfWorkerStarts, wholeNumber } from '../engine/core/task-limits.ts';
import { checkStartVariables } from './check-start-variables.ts';
import { checkShape, strictObject } from './check-shape.ts';
import { loadDefaultExport } from './load-default-export.ts';
import { joinErrors } from './problems.ts';
import { packageNames, patterns, taskLimitsSchema } from './task-config-schema.ts';

/** What cloudcode.config.ts exports by default. */
export interface ProjectConfig {
  /** Limits for every task that does not set its own. */
  readonly defaults?: TaskLimits;
  readonly environments?: Readonly<Record<string, { readonly variables?: Readonly<Record<string, string>> }>>;
  readonly queues?: Readonly<Record<string, { readonly onRetry?: 'wait' | 'skip' }>>;
  /** Patterns of what is deployed besides code, relative to the project's folder. */
  readonly files?: readonly string[];
  /** How long, and how many, finished runs are kept in each environment. */
  readonly retention?: Partial<Retention>;
  /** How many attempts one runner executes at a time. */
  readonly concurrency?: number;
  /** How long a runner's lease lasts: its death is noticed within this time by runners of other machines. In milliseconds. */
  readonly leaseMs?: number;
  /** What the packages of a deployment may have together, in MB (of 1,000,000 bytes). */
  readonly maxPackagesMb?: number;
  /** What the files of a deployment may have together besides its code and packages, in MB (of 1,000,000 bytes). */
  readonly maxFilesMb?: number;
  /** How a runner starts the processes of its attempts. */
  readonly workerStart?: WorkerStart;
  /** Names of packages that Node loads by itself in every task, with nothing kept to speed it up. */
  readonly external?: readonly string[];
  /** Names of packages that go into the bundle of every task. */
  readonly bundle?: readonly string[];
}

const configFiles = ['ts', 'mts', 'js', 'mjs', 'cjs'].map((ending) => `cloudcode.config.${ending}`);

const environmentName = z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, {
  error: 'cannot be the name of an environment: it must be 1 to 100 letters, digits, `_` and `-`',
});
const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
    error: 'cannot be the name of an environment variable: it must be letters, digits and `_`',
  })
  .refine((name) => !name.startsWith('CLOUDCODE_'), {
    error: 'cannot be set: names that begin with CLOUDCODE_ belong to CloudCode',
  });
const variableValue = z
  .string({ error: 'must be a string' })
  .refine((value) => !value.includes('\0'), { error: 'must not hold the character U+0000' });
const queueName = z
  .string()
  .refine(isQueueName, { error: 'cannot be the name of a queue: it must be 1 to 512 characters without U+0000' });

const configSchema: z.ZodType<ProjectConfig> = strictObject({
  defaults: taskLimitsSchema.optional(),
  environments: record(environmentName, strictObject({ variables: record(variableName, variableValue) })),
  queues: record(
    queueName,
    strictObject({ onRetry: z.enum(['wait', 'skip'], { error: "must be 'wait' or 'skip'" }).optional() }),
  ),
  files: patterns(),
  retention: strictObject({ days: wholeNumber(1, 36_500), runs: wholeNumber(0, 1_000_000_000) }).optional(),
  concurrency: wholeNumber(1, 10_000),
  leaseMs: wholeNumber(minLeaseMs, maxLeaseMs),
  maxPackagesMb: wholeNumber(1, 1_000_000, { unit: ' of MB' }),
  maxFilesMb: wholeNumber(1, 1_000_000, { unit: ' of MB' }),
  workerStart: oneOfWorkerStarts(),
  external: packageNames(),
  bundle: packageNames(),
});

function record<Name extends z.core.$ZodRecordKey, Value extends z.ZodType>(name: Name, value: Value) {
  return z
    .record(name, value, { error: (issue) => (issue.code === 'invalid_type' ? 'must be an object' : undefined) })
    .optional();
}

function isQueueName(name: string): boolean {
  try {
    return parseQueue(name) === name;
  } catch {
    return false;
  }
}

/**
 * Reads cloudcode.config.ts (or .mts, .js, .mjs, .cjs), which is bundled and then run in this process; `{}` when there is none.
 * @param folder absolute, with symbolic links resolved
 * @throws CloudCodeError `invalid_config`, naming the file, the field, the value and what it must be
 */
export async function readConfig(folder: string): Promise<ProjectConfig> {
  const [file, other] = await configFilesIn(folder);
  if (file === undefined) return {};
  if (other !== undefined)
    throw new CloudCodeError('invalid_config', `There are two configurations, ${file} and ${other}.`, {
      hint: 'Keep one of them.',
    });
  const config = checkConfig(
    file,
    await loadDefaultExport(folder, { file, code: 'invalid_config', example: 'defineConfig({ … })' }),
  );
  await checkStartVariables(folder, file, config.environments ?? {});
  return config;
}

/** Their names; a project has one at most. */
export async function configFilesIn(folder: string): Promise<readonly string[]> {
  const inside = await readdir(folder);
  return configFiles.filter((name) => inside.includes(name));
}

function checkConfig(file: string, config: unknown): ProjectConfig {
  const { value, errors } = checkShape(config, {
    schema: configSchema,
    code: 'invalid_config',
    file,
    name: 'the default export',
  });
  if (errors !== null) throw joinErrors(errors);
  return value;
}
