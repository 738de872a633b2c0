import type { IsoTime } from '../core/run.ts';
import type { Queryable } from './open-store.ts';

export interface EnvironmentRow {
  readonly name: string;
  readonly createdAt: IsoTime;
  /** Of its current deployment; null when nothing is deployed. */
  readonly deployedAt: IsoTime | null;
  /** Whether somebody has begun to delete it. */
  readonly deleting: boolean;
}

/** In the order in which they were made. */
export function readEnvironments(db: Queryable): Promise<readonly EnvironmentRow[]> {
  return db.query<EnvironmentRow>({
    name: 'read_environments',
    text: `
      select e.name, cloudcode.iso(e.created_at) as "createdAt", cloudcode.iso(d.created_at) as "deployedAt", e.deleting_at is not null as deleting
      from cloudcode.environments e left join cloudcode.deployments d on d.id = e.deployment_id
      order by e.id`,
  });
}

/** @returns whether there was none of this name */
export async function insertEnvironment(db: Queryable, name: string): Promise<boolean> {
  const inserted = await db.query({
    name: 'insert_environment',
    text: 'insert into cloudcode.environments (name) values ($1) on conflict (name) do nothing returning id',
    values: [name],
  });
  return inserted.length > 0;
}

export interface LockedEnvironment {
  readonly id: number;
  readonly isDeleting: boolean;
  /** Of the current deployment; null when there is none. */
  readonly deploymentId: string | null;
  readonly digest: string | null;
  readonly settingsDigest: string | null;
}

/** Locks an environment, so that deployments to it, and who else changes it, take turns. Null when it is not there. */
export async function lockEnvironment(db: Queryable, environment: string): Promise<LockedEnvironment | null> {
  await db.query({
    name: 'lock_environment',
    text: 'select from cloudcode.environments where name = $1 for update',
    values: [environment],
  });
  // A statement of its own: the one that has waited does not see the deployment that was made meanwhile.
  const [row] = await db.query<LockedEnvironment>({
    name: 'read_locked_environment',
    text: `
      select e.id, e.deleting_at is not null as "isDeleting", e.deployment_id::text as "deploymentId", d.digest, d.settings_digest as "settingsDigest"
      from cloudcode.environments e left join cloudcode.deployments d on d.id = e.deployment_id
      where e.name = $1`,
    values: [environment],
  });
  return row ?? null;
}

/** Null when it is not there. */
export async function readIsDeleting(db: Queryable, environment: string): Promise<boolean | null> {
  const [row] = await db.query<{ isDeleting: boolean }>({
    name: 'environment_is_deleting',
    text: 'select deleting_at is not null as "isDeleting" from cloudcode.environments where name = $1',
    values: [environment],
  });
  return row?.isDeleting ?? null;
}

/** Null when nothing is deployed. */
export async function readCurrentDeploymentId(db: Queryable, environmentId: number): Promise<string | null> {
  const [row] = await db.query<{ id: string | null }>({
    name: 'current_deployment_id',
    text: 'select deployment_id::text as id from cloudcode.environments where id = $1',
    values: [environmentId],
  });
  return row?.id ?? null;
}
