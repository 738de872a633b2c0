import type { Queue } from '../core/run.ts';
import type { Queryable } from '../store/open-store.ts';
import { readQueues } from '../store/queues.ts';
import { findEnvironment } from './find-environment.ts';

/** The queues of an environment that have something to do or are paused, by name. @throws CloudCodeError `environment_not_found` */
export async function listQueues(db: Queryable, environment: string): Promise<readonly Queue[]> {
  return readQueues(db, await findEnvironment(db, environment), null);
}
