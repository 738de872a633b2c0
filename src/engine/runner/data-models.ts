import type { DataModel } from '../../data/model/data-model.ts';
import { readDataModel } from '../store/deployments.ts';
import type { Queryable } from '../store/open-store.ts';
import { DeploymentDamaged } from './deployment-damaged.ts';

/** Gives the data model with a hash; null for the hash null. */
export type DataModels = (hash: string | null) => Promise<DataModel | null>;

/** Reads each deployed data model once: it never changes. */
export function openDataModels(db: Queryable): DataModels {
  const read = async (hash: string): Promise<DataModel> => {
    const model = await readDataModel(db, hash);
    if (model === null) throw new DeploymentDamaged(`The data model ${hash} is not in the database.`);
    return model;
  };
  const known = new Map<string, Promise<DataModel>>();
  return (hash) => {
    if (hash === null) return Promise.resolve(null);
    const model = known.get(hash) ?? read(hash);
    known.set(hash, model);
    model.catch(() => known.delete(hash));
    return model;
  };
}
