import { z } from 'zod';
import { type TaskConfig, type TaskLimits, workerStarts } from '../engine/core/task-config.ts';
import { strictObject } from './check-shape.ts';

/** Node's timers count to 2^31 - 1 ms, which is just over 24 days. */
const maxTimeoutMs = 24 * 86_400_000;

const limits = {
  timeoutMs: wholeNumber(1, maxTimeoutMs, { unit: ' of milliseconds', meaning: ' (24 days)' }),
  memoryMb: wholeNumber(16, 1_048_576, { unit: ' of MiB' }),
  maxAttempts: wholeNumber(1, 1000),
  workerStart: oneOfWorkerStarts(),
};

/** The limits of all tasks, in the project's `defaults`. */
export const taskLimitsSchema: z.ZodType<TaskLimits> = strictObject(limits);

/** A task's own `config`. */
export const taskConfigSchema: z.ZodType<Partial<TaskConfig>> = strictObject({
  ...limits,
  files: patterns(),
  external: packageNames(),
  bundle: packageNames(),
});

/** Of files. */
export function patterns() {
  const pattern = z.string({ error: 'must be a string' }).regex(/^!?[^!\0]/, { error: 'must be a path or a pattern' });
  return z.array(pattern, { error: "must be a list of paths and patterns: ['templates', 'data/*.csv']" }).optional();
}

/** Names of npm packages. */
export function packageNames() {
  const name = z
    .string()
    .regex(/^(?:@[\w.~-]+\/)?[\w.~-]+$/, { error: 'must be the name of a package, without a path in it' });
  return z.array(name, { error: 'must be a list of names of packages' }).optional();
}

export function oneOfWorkerStarts() {
  return z.enum(workerStarts, { error: "must be 'spawn' or 'fork'" }).optional();
}

export function wholeNumber(least: number, most: number, { unit = '', meaning = '' } = {}): z.ZodOptional<z.ZodInt> {
  const error = `must be a whole number${unit} from ${least} to ${most}${meaning}`;
  return z.int({ error }).min(least, { error }).max(most, { error }).optional();
}
