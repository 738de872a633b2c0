import type { Extension, ExtensionDeployment, ReadDeployedState } from '../engine/operations/extension.ts';
import type { Store } from '../engine/store/open-store.ts';
import { retryWhileAway } from '../engine/store/retry.ts';
import type { DataModel } from './model/data-model.ts';
import { batchOperations } from './operations/carry-out.ts';
import { readObjects } from './operations/read-objects.ts';
import { isOnceOnly, isSingleWrite, writeObject, writeObjectOnce } from './operations/write-object.ts';
import { type ReadCall, readRequest, type WriteOperation, writeOperation } from './protocol/data-calls.ts';
import { dataTarget } from './statements/target.ts';
import { planChange, readCurrentDataModel, withTables } from './tables/prepare-tables.ts';
import { readDataModel } from './model/read-data-model.ts';

/** What a project's data model adds to a deployment. Without one (null) it has no tables, but may hide those of the one before it. */
export function dataDeployment(state: unknown): ExtensionDeployment {
  const dataModel = state as DataModel | null;
  return {
    state: dataModel,
    async plan(store, environment) {
      if (await isNothing(store, environment, dataModel)) return nothingToDo;
      const change = { environment, dataModel: dataModel ?? { models: [] }, onProgress: () => undefined };
      return planChange(store, change);
    },
    async deploy(store, { environment, onProgress }, activate) {
      if (await isNothing(store, environment, dataModel))
        return activate({ state: null, notices: [], begin: () => Promise.resolve() });
      const change = {
        environment,
        dataModel: dataModel ?? { models: [] },
        onProgress: (what: string) => onProgress(`data model: ${what}`),
      };
      return withTables(store, change, (tables) =>
        activate({ state: tables.dataModel, notices: tables.notices, begin: tables.rename }),
      );
    },
  };
}

/** A data model that was built elsewhere, or is kept with a deployment. */
export const readDataDeployment: ReadDeployedState = async (state, taskNames) =>
  dataDeployment(readDataModel(state, taskNames));

const nothingToDo = { steps: [], notices: [] };

async function isNothing(store: Store, environment: string, dataModel: DataModel | null): Promise<boolean> {
  return dataModel === null && (await readCurrentDataModel(store, environment)) === null;
}

export { environmentData } from './tables/environment-data.ts';

/** The data model and `DB`, as the engine knows them. */
export const dataExtension: Extension = {
  worker: { file: 'worker-data.cjs', globals: ['DB', 'Day', 'Attachment'] },

  schemas: { request: readRequest, operation: writeOperation },

  openCalls({ store, caller, state, patience, noted }) {
    const scope = { caller, target: dataTarget(caller.environment, state as DataModel | null) };
    return {
      answer: (request: ReadCall) => retryWhileAway(() => readObjects(store, scope, request), patience),
      carryOut: batchOperations(scope),
      carryOutAlone(batch, operation: WriteOperation) {
        if (!isSingleWrite(operation)) return null;
        const answer = isOnceOnly(operation)
          ? noted(batch, () => retryWhileAway(() => writeObjectOnce(store, scope, { id: batch, operation }), patience))
          : retryWhileAway((isRepeated) => writeObject(store, scope, { operation, isRepeated }), patience);
        return answer.then((written) => JSON.stringify(written));
      },
    };
  },
};
