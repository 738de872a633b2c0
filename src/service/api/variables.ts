import { z } from 'zod';
import { isoTime } from '../../engine/core/run-schema.ts';
import { inEnvironment, resource } from './operation.ts';

const variable = z
  .object({
    name: z.string(),
    value: z.string().nullable().meta({ description: 'Null for one that is masked: it is never shown again.' }),
    masked: z.boolean(),
    source: z
      .enum(['set', 'configuration'])
      .meta({ description: "What was set counts before the configuration of the environment's project." }),
    setAt: isoTime.nullable().meta({ description: 'Null for one of the configuration.' }),
  })
  .readonly()
  .meta({ id: 'Variable' });
export type VariableBody = z.output<typeof variable>;

const variableToSet = z.strictObject({
  name: z.string({ error: 'must be a string' }),
  value: z.string({ error: 'must be a string' }),
  masked: z
    .boolean({ error: 'must be true or false' })
    .optional()
    .meta({ description: 'Absent: as it is, and not masked when it is new.' }),
});

export const variables = resource('variables', {
  list: {
    method: 'GET',
    path: `${inEnvironment}/variables`,
    permission: 'variables:read',
    summary: "Lists the variables that tasks find in their process, those of the project's configuration included.",
    answer: z.object({ variables: z.array(variable).readonly() }),
  },
  set: {
    method: 'POST',
    path: `${inEnvironment}/variables`,
    permission: 'variables:write',
    summary: 'Sets variables, all or none; attempts that begin afterwards have them.',
    body: z.strictObject(
      { variables: z.array(variableToSet, { error: 'must be an array of { name, value, masked? }' }).readonly() },
      { error: 'must be { "variables": [ … ] }' },
    ),
    // 1 MB, in which each character may be escaped as six.
    maxBodyBytes: 8 * 1024 * 1024,
    answer: z.object({ variables: z.array(variable).readonly() }),
    refusals: ['invalid_variable', 'master_key_missing', 'master_key_wrong', 'master_key_invalid'],
  },
  unset: {
    method: 'POST',
    path: `${inEnvironment}/variables/unset`,
    permission: 'variables:write',
    summary: 'Takes back variables that were set, all or none; those of the configuration count again.',
    body: z.strictObject(
      { names: z.array(z.string({ error: 'must be a string' }), { error: 'must be an array of names' }).readonly() },
      { error: 'must be { "names": [ … ] }' },
    ),
    answer: z.object({ variables: z.array(variable).readonly() }),
    refusals: ['variable_not_found'],
  },
});
