import type { DataModel } from '../../../src/data/model/data-model.ts';
import { withTables } from '../../../src/data/tables/prepare-tables.ts';
import type { OnProgress } from '../../../src/engine/operations/extension.ts';
import type { Store } from '../../../src/engine/store/open-store.ts';

/** Brings the tables of an environment to a data model, with nothing to activate. @throws as withTables */
export function prepareTables(
  store: Store,
  environment: string,
  dataModel: DataModel,
  onProgress: OnProgress = () => undefined,
): Promise<void> {
  return withTables(store, { environment, dataModel, onProgress }, async (tables) => {
    await store.transaction((db) => tables.rename(db));
    tables.notices.forEach(onProgress);
  });
}
