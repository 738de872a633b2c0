import { type DeployedTask, readTasks } from '../store/deployments.ts';
import type { Queryable } from '../store/open-store.ts';
import { findEnvironment } from './find-environment.ts';

/** The tasks of an environment's current deployment, by name. @throws CloudCodeError `environment_not_found` */
export async function listTasks(db: Queryable, environment: string): Promise<readonly DeployedTask[]> {
  await findEnvironment(db, environment);
  return readTasks(db, environment);
}
