import { z } from 'zod';
import type { DeployedBrokenTask } from '../../engine/core/broken-task.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { workerStarts } from '../../engine/core/task-config.ts';
import { problem, problemOf } from './http-problem.ts';
import { inEnvironment, resource } from './operation.ts';

const task = z
  .object({
    name: z.string(),
    config: z.object({
      timeoutMs: z.number(),
      memoryMb: z.number(),
      maxAttempts: z.number(),
      /** Where it is decided. */
      workerStart: z.enum(workerStarts).optional(),
    }),
  })
  .readonly()
  .meta({ id: 'Task' });

/** A task that could not be built when the others of its project were deployed. */
export const brokenTask = z
  .object({
    name: z.string(),
    problem,
    /** The deployment whose code it goes on with; null when it was never good, and cannot be scheduled. */
    goesOn: z.object({ deployedAt: z.string(), folder: z.string() }).readonly().nullable(),
  })
  .readonly()
  .meta({ id: 'BrokenTask' });
export type BrokenTaskBody = z.output<typeof brokenTask>;

export function toBrokenTaskBody({
  name,
  problem: { code, message, hint },
  goesOn,
}: DeployedBrokenTask): BrokenTaskBody {
  return {
    name,
    problem: problemOf(new CloudCodeError(code, message, { hint })),
    goesOn: goesOn === null ? null : { deployedAt: goesOn.deployedAt, folder: goesOn.folder },
  };
}

export const tasks = resource('tasks', {
  list: {
    method: 'GET',
    path: `${inEnvironment}/tasks`,
    permission: 'tasks:read',
    summary: 'Lists the tasks that are deployed, and those of them that are broken.',
    answer: z.object({
      tasks: z.array(task).readonly(),
      /** Absent in answers of earlier versions. */
      broken: z.array(brokenTask).readonly().optional(),
    }),
  },
});
