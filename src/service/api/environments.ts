import { z } from 'zod';
import { isoTime } from '../../engine/core/run-schema.ts';
import { apiBase, resource } from './operation.ts';

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
});
