import { z } from 'zod';
import type { TaskConfig, TaskLimits } from '../engine/core/task-config.ts';
import { taskLimits } from '../engine/core/task-limits.ts';
import { strictObject } from './check-shape.ts';

/** The limits of all tasks, in the project's `defaults`. */
export const taskLimitsSchema: z.ZodType<TaskLimits> = strictObject(taskLimits);

/** A task's own `config`. */
export const taskConfigSchema: z.ZodType<Partial<TaskConfig>> = strictObject({
  ...taskLimits,
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
