import type { EnvironmentData, ReadDeployedState } from '../engine/operations/extension.ts';

const load = async (): Promise<EnvironmentData> => (await import('../data/extension.ts')).environmentData;

/** What was built elsewhere, with its data model. */
export const readDeployedState: ReadDeployedState = async (state, taskNames) =>
  (await import('../data/extension.ts')).readDataDeployment(state, taskNames);

/** What the data extension keeps of environments; it is loaded when it is first asked. */
export const environmentData: EnvironmentData = {
  count: async (store, environment) => (await load()).count(store, environment),
  drop: async (store, of, finish) => (await load()).drop(store, of, finish),
};
