import { readCurrentState } from '../../engine/store/deployments.ts';
import type { Queryable } from '../../engine/store/open-store.ts';
import type { DataModel } from '../model/data-model.ts';

/** Of what is deployed now; null when nothing is, or a project without one. */
export async function readCurrentDataModel(db: Queryable, environment: string): Promise<DataModel | null> {
  return (await readCurrentState(db, environment)) as DataModel | null;
}
