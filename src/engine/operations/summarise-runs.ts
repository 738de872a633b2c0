import type { Backlog, EndedSummary } from '../core/run.ts';
import type { Queryable } from '../store/open-store.ts';
import { readBacklog, readEnded } from '../store/read-runs.ts';
import { findEnvironment } from './environments.ts';

/** What an environment still has to do: what `run --drain` waits for and what it leaves. @throws CloudCodeError `environment_not_found` */
export async function summariseBacklog(db: Queryable, environment: string): Promise<Backlog> {
  return readBacklog(db, await findEnvironment(db, environment));
}

/** The runs that have ended since a time (ISO 8601), but for one: what `run --drain` tells. @throws CloudCodeError `environment_not_found` */
export async function summariseEnded(
  db: Queryable,
  environment: string,
  of: { readonly since: string; readonly besides: string },
): Promise<EndedSummary> {
  return readEnded(db, await findEnvironment(db, environment), of);
}
