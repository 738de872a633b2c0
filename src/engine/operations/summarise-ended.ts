import type { Queryable } from '../store/open-store.ts';
import { type EndedSummary, readEnded } from '../store/read-runs.ts';
import { findEnvironment } from './find-environment.ts';

/** The runs that have ended since a time (ISO 8601), but for one: what `run --drain` tells. @throws CloudCodeError `environment_not_found` */
export async function summariseEnded(
  db: Queryable,
  environment: string,
  of: { readonly since: string; readonly besides: string },
): Promise<EndedSummary> {
  return readEnded(db, await findEnvironment(db, environment), of);
}
