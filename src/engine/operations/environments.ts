import { CloudCodeError } from '../core/errors.ts';
import { lockEnvironment } from '../store/deployments.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import { readEnvironmentId } from '../store/read-runs.ts';

/** The number of an environment in the database. @throws CloudCodeError `environment_not_found` */
export async function findEnvironment(db: Queryable, environment: string): Promise<number> {
  const id = environment.includes('\0') ? null : await readEnvironmentId(db, environment);
  if (id !== null) return id;
  throw new CloudCodeError('environment_not_found', `There is no environment \`${environment}\`.`, {
    hint: 'Nothing was deployed to it yet. The default is `testing`.',
  });
}

/** The only environment until `deploy` is there. */
const onlyEnvironment = 'testing';

/** `testing` is there from the start, so that lists of a new project are empty and no error. */
export async function makeEnvironment(store: Store): Promise<void> {
  if ((await readEnvironmentId(store, onlyEnvironment)) !== null) return;
  await store.transaction((db) => lockEnvironment(db, onlyEnvironment));
}

/** @throws CloudCodeError `environment_not_found` */
export function refuseOtherEnvironment(environment: string): void {
  if (environment === onlyEnvironment) return;
  throw new CloudCodeError('environment_not_found', `There is no environment ${JSON.stringify(environment)}.`, {
    hint: `This version has \`${onlyEnvironment}\` only; leave --environment out.`,
  });
}
