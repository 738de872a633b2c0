import type { Queryable } from './open-store.ts';

/** What an environment holds. */
export interface EnvironmentCounts {
  /** All that are kept, finished ones too. */
  readonly runs: number;
  readonly running: number;
  readonly variables: number;
  readonly deployments: number;
  /** With settings of their own, or paused. */
  readonly queues: number;
}

export async function countEnvironment(db: Queryable, environmentId: number): Promise<EnvironmentCounts> {
  const [row] = await db.query<EnvironmentCounts>({
    name: 'count_environment',
    text: `
      select
        (select count(*) from cloudcode.runs where environment_id = $1)::double precision as runs,
        (select count(*) from cloudcode.running_runs where environment_id = $1)::double precision as running,
        (select count(*) from cloudcode.variables where environment_id = $1)::double precision as variables,
        (select count(*) from cloudcode.deployments where environment_id = $1)::double precision as deployments,
        (select count(*) from cloudcode.queues where environment_id = $1)::double precision as queues`,
    values: [environmentId],
    limitMs: 60_000,
  });
  return row ?? { runs: 0, running: 0, variables: 0, deployments: 0, queues: 0 };
}

/** From the commit on nothing new is added to the environment, once those have ended that have read its deployment before. */
export async function markDeleting(db: Queryable, environmentId: number): Promise<void> {
  await db.query({
    name: 'mark_deleting',
    text: 'update cloudcode.environments set deleting_at = coalesce(deleting_at, now()), deployment_id = null where id = $1',
    values: [environmentId],
  });
}

/**
 * Deletes up to `limit` runs that wait, from their places: nobody claims them any more. What somebody is moving at this moment is left for the next slice, and what hangs on them for deleteRemains.
 * @returns how many places there were
 */
export async function deleteWaitingRuns(db: Queryable, environmentId: number, limit: number): Promise<number> {
  const [row] = await db.query<{ places: number }>({
    name: 'delete_waiting_runs',
    text: `
      with of_ready as (
        delete from cloudcode.ready where ctid = any (array(
          select ctid from cloudcode.ready where environment_id = $1 limit $2 for update skip locked)) returning run_id
      ), of_backlog as (
        delete from cloudcode.backlog where ctid = any (array(
          select ctid from cloudcode.backlog where environment_id = $1 limit $2 for update skip locked)) returning run_id
      ), places as (
        select run_id from of_ready union all select run_id from of_backlog
      ), deleted as (
        delete from cloudcode.runs r using places p where r.id = p.run_id and r.environment_id = $1 and r.state = 'queued' returning r.id
      ), noted as (
        insert into cloudcode.pruned_runs (run_id) select id from deleted
      )
      select count(*)::integer as places from places`,
    values: [environmentId, limit],
  });
  return row?.places ?? 0;
}

/** Deletes up to `limit` runs that are not running and have no place: finished ones, and any that lost theirs. @returns how many */
export async function deleteRunsAtRest(db: Queryable, environmentId: number, limit: number): Promise<number> {
  const [row] = await db.query<{ runs: number }>({
    name: 'delete_runs_at_rest',
    text: `
      with deleted as (
        delete from cloudcode.runs where id = any (array(
          select id from cloudcode.runs where environment_id = $1 and state <> 'running' order by task, seq limit $2 for update skip locked))
        returning id
      ), noted as (
        insert into cloudcode.pruned_runs (run_id) select id from deleted
      )
      select count(*)::integer as runs from deleted`,
    values: [environmentId, limit],
  });
  return row?.runs ?? 0;
}

/** Those of an environment that are running. */
export async function readRunningIds(db: Queryable, environmentId: number): Promise<readonly string[]> {
  const rows = await db.query<{ id: string }>({
    name: 'read_running_ids',
    text: 'select id from cloudcode.running_runs where environment_id = $1',
    values: [environmentId],
  });
  return rows.map(({ id }) => id);
}

/** Up to `limit` rows that say what has ended, or what was asked for once. @returns how many */
export async function deleteRecords(db: Queryable, environmentId: number, limit: number): Promise<number> {
  const [row] = await db.query<{ records: number }>({
    name: 'delete_records',
    text: `
      with of_endings as (
        delete from cloudcode.endings where ctid = any (array(select ctid from cloudcode.endings where environment_id = $1 limit $2)) returning 1
      ), of_listed as (
        delete from cloudcode.listed where ctid = any (array(select ctid from cloudcode.listed where environment_id = $1 limit $2)) returning 1
      ), of_keys as (
        delete from cloudcode.idempotency_keys where ctid = any (array(
          select ctid from cloudcode.idempotency_keys where environment_id = $1 limit $2)) returning 1
      )
      select ((select count(*) from of_endings) + (select count(*) from of_listed) + (select count(*) from of_keys))::integer as records`,
    values: [environmentId, limit],
  });
  return row?.records ?? 0;
}

/** Whether what hung on runs that were deleted is gone. */
export async function hasRemains(db: Queryable): Promise<boolean> {
  const [row] = await db.query<{ left: boolean }>({
    name: 'has_remains',
    text: 'select exists (select from cloudcode.pruned_runs) as left',
  });
  return row?.left === true;
}

/** Claims name runs until their runner next looks: those that are gone are taken out now. */
export async function forgetDeletedClaims(db: Queryable): Promise<void> {
  await db.query({
    name: 'forget_deleted_claims',
    text: `
      update cloudcode.claims c set run_ids = array(select r.id from cloudcode.runs r where r.id = any (c.run_ids))
      where exists (select from unnest(c.run_ids) as claimed (id) where not exists (select from cloudcode.runs r where r.id = claimed.id))`,
  });
}

/** Deletes the environment itself with all that is left of it, unless it has runs. It must be locked. @returns whether it is gone */
export async function deleteEnvironmentRows(db: Queryable, environmentId: number): Promise<boolean> {
  const runs = await db.query({
    name: 'runs_of_environment',
    text: 'select from cloudcode.runs where environment_id = $1 limit 1',
    values: [environmentId],
  });
  if (runs.length > 0) return false;
  for (const [name, text] of Object.entries(ofEnvironment))
    await db.query({ name: `delete_${name}_of_environment`, text, values: [environmentId], limitMs: 60_000 });
  return true;
}

/** In an order that the references between them allow. */
const ofEnvironment = {
  ready: 'delete from cloudcode.ready where environment_id = $1',
  backlog: 'delete from cloudcode.backlog where environment_id = $1',
  endings: 'delete from cloudcode.endings where environment_id = $1',
  listed: 'delete from cloudcode.listed where environment_id = $1',
  queues: 'delete from cloudcode.queues where environment_id = $1',
  keys: 'delete from cloudcode.idempotency_keys where environment_id = $1',
  expiring: 'delete from cloudcode.expiring where environment_id = $1',
  rollups: 'delete from cloudcode.rollups where environment_id = $1',
  changes: 'delete from cloudcode.changes where environment_id = $1',
  variables: 'delete from cloudcode.variables where environment_id = $1',
  data_keys: 'delete from cloudcode.data_keys where environment_id = $1',
  broken_tasks:
    'delete from cloudcode.broken_tasks where deployment_id in (select id from cloudcode.deployments where environment_id = $1)',
  tasks: 'delete from cloudcode.tasks where environment_id = $1',
  checks: 'delete from cloudcode.deployment_checks where environment_id = $1',
  deployments: 'delete from cloudcode.deployments where environment_id = $1',
  uploads: 'delete from cloudcode.uploads where environment_id = $1',
  environment: 'delete from cloudcode.environments where id = $1',
} as const;
