import type { DataModel } from '../core/data-model.ts';
import { readDataModel } from '../store/deployments.ts';
import type { Queryable } from '../store/open-store.ts';

/** Gives the data model with a hash; null for the hash null. */
export type DataModels = (hash: string | null) => Promise<DataModel | null>;

/** Reads each deployed data model once: it never changes. */
export function openDataModels(db: Queryable): DataModels {
  const known = new Map<string, Promise<DataModel>>();
  return (hash) => {
    if (hash === null) return Promise.resolve(null);
    const model = known.get(hash) ?? readDataModel(db, hash);
    known.set(hash, model);
    model.catch(() => known.delete(hash));
    return model;
  };
}
