import { listVariables, setVariables, unsetVariables } from '../../engine/operations/variables.ts';
import type { variables } from '../api/variables.ts';
import type { Handlers } from './handler.ts';

export const variableHandlers: Handlers<typeof variables> = {
  list: { answer: async ({ store }, { environment }) => ({ variables: await listVariables(store, environment) }) },
  set: {
    answer: async ({ store, keys = null, checkStart }, { environment, body }) => ({
      variables: await setVariables(store, environment, { variables: body.variables, keys, checkStart }),
    }),
  },
  unset: {
    answer: async ({ store }, { environment, body }) => {
      await unsetVariables(store, environment, body.names);
      return { variables: await listVariables(store, environment) };
    },
  },
};
