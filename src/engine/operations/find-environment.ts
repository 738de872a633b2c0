import { CloudCodeError } from '../core/errors.ts';
import type { Queryable } from '../store/open-store.ts';
import { readEnvironmentId } from '../store/read-runs.ts';

/** The number of an environment in the database. @throws CloudCodeError `environment_not_found` */
export async function findEnvironment(db: Queryable, environment: string): Promise<number> {
  const id = environment.includes('\0') ? null : await readEnvironmentId(db, environment);
  if (id !== null) return id;
  throw new CloudCodeError('environment_not_found', `There is no environment \`${environment}\`.`, {
    hint: 'Nothing was deployed to it yet. The default is `testing`.',
  });
}
