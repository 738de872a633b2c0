import { z } from 'zod';
import { isoTime } from '../../engine/core/run-schema.ts';
import { apiBase, inEnvironment, resource } from './operation.ts';

const environment = z
  .object({
    name: z.string(),
    createdAt: isoTime,
    deployedAt: isoTime
      .nullable()
      .meta({ description: 'When its current deployment was made; null when there is none.' }),
    deleting: z.boolean().meta({ description: 'Whether its deletion has begun: nothing is added to it any more.' }),
  })
  .readonly()
  .meta({ id: 'Environment' });
export type EnvironmentBody = z.output<typeof environment>;

/** What goes with an environment that is deleted. */
const contents = z
  .object({
    runs: z.number(),
    running: z.number().meta({ description: 'Of the runs.' }),
    objects: z.number().nullable().meta({ description: 'Null: too many to count in a moment.' }),
    variables: z.number().meta({ description: 'That were set.' }),
    deployments: z.number(),
    queues: z.number().meta({ description: 'That are paused, or have settings of their own.' }),
  })
  .readonly()
  .meta({ id: 'EnvironmentContents' });
export type EnvironmentContentsBody = z.output<typeof contents>;

export const environments = resource('environments', {
  list: {
    method: 'GET',
    path: `${apiBase}/environments`,
    permission: 'environments:read',
    summary: 'Lists the environments, in the order in which they were made.',
    answer: z.object({ environments: z.array(environment).readonly() }),
    refusals: ['database_unreachable'],
  },
  create: {
    method: 'POST',
    path: `${apiBase}/environments`,
    permission: 'environments:write',
    summary: 'Makes an environment: a space of its own for data, variables, deployments, runs and queues.',
    body: z.strictObject(
      { name: z.string({ error: 'must be the name of the environment, a string' }) },
      { error: 'must be { "name": name }' },
    ),
    answer: environment,
    statuses: [201],
    refusals: ['invalid_environment', 'environment_exists', 'database_unreachable'],
  },
  show: {
    method: 'GET',
    path: inEnvironment,
    permission: 'environments:read',
    summary: 'Tells how much there is in an environment.',
    answer: contents,
  },
  delete: {
    method: 'POST',
    path: `${inEnvironment}/delete`,
    permission: 'environments:write',
    summary:
      'Cancels what runs in an environment, waits until it is gone, and deletes everything; asked again, it goes on.',
    body: z.strictObject(
      {
        confirm: z
          .string({ error: 'must be the name of the environment' })
          .meta({ description: 'The name of the environment once more.' }),
      },
      { error: 'must be { "confirm": name }' },
    ),
    stream: { events: { step: z.string(), done: contents.nullable() }, last: 'done' },
    refusals: ['not_confirmed'],
  },
});
