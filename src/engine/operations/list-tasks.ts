import type { DeployedBrokenTask } from '../core/broken-task.ts';
import { readBrokenTasks } from '../store/broken-tasks.ts';
import { type DeployedTask, readTasks } from '../store/deployments.ts';
import type { Queryable } from '../store/open-store.ts';
import { findEnvironment } from './environments.ts';

/** The tasks of an environment's current deployment, by name. @throws CloudCodeError `environment_not_found` */
export async function listTasks(db: Queryable, environment: string): Promise<readonly DeployedTask[]> {
  await findEnvironment(db, environment);
  return readTasks(db, environment);
}

/** Those of the current deployment that could not be built when it was made. @throws CloudCodeError `environment_not_found` */
export async function listBrokenTasks(db: Queryable, environment: string): Promise<readonly DeployedBrokenTask[]> {
  await findEnvironment(db, environment);
  return readBrokenTasks(db, environment);
}
