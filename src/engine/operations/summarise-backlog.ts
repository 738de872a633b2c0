import type { Queryable } from '../store/open-store.ts';
import { type Backlog, readBacklog } from '../store/read-runs.ts';
import { findEnvironment } from './find-environment.ts';

export type { Backlog } from '../store/read-runs.ts';

/** What an environment still has to do: what `run --drain` waits for and what it leaves. @throws CloudCodeError `environment_not_found` */
export async function summariseBacklog(db: Queryable, environment: string): Promise<Backlog> {
  return readBacklog(db, await findEnvironment(db, environment));
}
