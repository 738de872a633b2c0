import { checkEnvironmentName, environmentNotFound } from '../core/environment-name.ts';
import { CloudCodeError } from '../core/errors.ts';
import {
  type EnvironmentRow,
  insertEnvironment,
  type LockedEnvironment,
  lockEnvironment,
  readEnvironments,
  readIsDeleting,
} from '../store/environments.ts';
import type { Queryable } from '../store/open-store.ts';
import { readEnvironmentId } from '../store/read-runs.ts';

/** The number of an environment in the database. @throws CloudCodeError `environment_not_found` */
export async function findEnvironment(db: Queryable, environment: string): Promise<number> {
  const id = environment.includes('\0') ? null : await readEnvironmentId(db, environment);
  return id ?? refuseUnknown(db, environment);
}

async function refuseUnknown(db: Queryable, environment: string): Promise<never> {
  throw environmentNotFound(
    environment,
    (await readEnvironments(db)).map(({ name }) => name),
  );
}

/** @throws CloudCodeError `environment_not_found`, `environment_deleting` */
export async function refuseToChange(db: Queryable, environment: string): Promise<void> {
  const isDeleting = environment.includes('\0') ? null : await readIsDeleting(db, environment);
  if (isDeleting === null) await refuseUnknown(db, environment);
  if (isDeleting === true) throw environmentDeleting(environment);
}

/** Locks an environment for who changes it or deploys to it. @throws CloudCodeError `environment_not_found`, `environment_deleting` */
export async function lockToChange(db: Queryable, environment: string): Promise<LockedEnvironment> {
  const locked = environment.includes('\0') ? null : await lockEnvironment(db, environment);
  if (locked === null) return refuseUnknown(db, environment);
  if (locked.isDeleting) throw environmentDeleting(environment);
  return locked;
}

function environmentDeleting(environment: string): CloudCodeError {
  return new CloudCodeError('environment_deleting', `The environment \`${environment}\` is being deleted.`, {
    hint: `Nothing can be added to it any more. To go on with a deletion that was interrupted: cloudcode environments delete ${environment}`,
  });
}

/** In the order in which they were made. */
export function listEnvironments(db: Queryable): Promise<readonly EnvironmentRow[]> {
  return readEnvironments(db);
}

/** @throws CloudCodeError `invalid_environment`, `environment_exists` */
export async function createEnvironment(db: Queryable, name: string): Promise<EnvironmentRow> {
  checkEnvironmentName(name);
  const alike = (await readEnvironments(db)).find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (alike !== undefined || !(await insertEnvironment(db, name))) throw environmentExists(alike?.name ?? name);
  const made = (await readEnvironments(db)).find((each) => each.name === name);
  if (made === undefined) throw new Error(`environment ${name} was not there after it was made`);
  return made;
}

function environmentExists(name: string): CloudCodeError {
  return new CloudCodeError('environment_exists', `There is an environment \`${name}\` already.`, {
    hint: 'Names that differ in case alone are taken for the same.',
  });
}
