import type { Run } from '../core/run.ts';
import type { ScheduledRun } from '../core/schedule-request.ts';
import type { Queryable } from './open-store.ts';

/** An attempt that asks for something: only while it holds its run, which its fence shows. */
export interface Caller {
  readonly runId: string;
  readonly fence: string;
}

/** What the database decided of a run that was added. */
export type InsertedRun = Pick<Run, 'state' | 'createdAt' | 'dueAt' | 'maxAttempts'>;

/**
 * Adds a run without a key to an environment, by a request from outside.
 * @returns null when the environment's deployment has no such task: nothing was added
 */
export async function insertRun(db: Queryable, environment: string, run: ScheduledRun): Promise<InsertedRun | null> {
  const [row] = await db.query<InsertedRun>({
    name: 'insert_run',
    text: `
      insert into cloudcode.runs (id, environment_id, task, parameters, queue, due_at, max_attempts, attempt_limit, at_front)
      select $1, e.id, t.name, $4::json, $5, cloudcode.due_at($6, $7), t.max_attempts, t.max_attempts, $5::text is null
      from cloudcode.environments e join cloudcode.tasks t on t.deployment_id = e.deployment_id
      where e.name = $2 and t.name = $3
      returning case when due_at > now() then 'scheduled' else 'queued' end as state, cloudcode.iso(created_at) as "createdAt", cloudcode.iso(due_at) as "dueAt",
        max_attempts as "maxAttempts"`,
    values: [run.id, environment, run.task, run.parametersJson, run.queue, run.at, run.afterMs],
  });
  return row ?? null;
}

/**
 * Adds a run with a key to an environment, unless one of the task with this key is unfinished.
 * @returns the id of the one or the other, or null when the environment's deployment has no such task
 */
export async function insertKeyedRun(db: Queryable, environment: string, run: ScheduledRun): Promise<string | null> {
  const [row] = await db.query<{ id: string | null }>({
    name: 'insert_keyed_run',
    text: `
      select cloudcode.insert_keyed_run($1, e.id, $3, $4, $5, $6, cloudcode.due_at($7, $8), null) as id
      from cloudcode.environments e where e.name = $2`,
    values: [run.id, environment, run.task, run.key, run.parametersJson, run.queue, run.at, run.afterMs],
  });
  return row?.id ?? null;
}

/**
 * Adds runs without keys on behalf of an attempt, in its environment and in their order. The attempt's row is locked against takeover until
 * the commit. All or none: the task that is not there is returned, and the caller's transaction must not be committed.
 * @throws CloudCodeError `attempt_superseded`
 */
export async function insertRunsByAttempt(
  db: Queryable,
  caller: Caller,
  runs: readonly ScheduledRun[],
): Promise<{ readonly unknownTask: string | null }> {
  const [row] = await db.query<{ unknownTask: string | null }>({
    name: 'insert_runs_by_attempt',
    text: `
      with held as materialized (
        select cloudcode.hold_attempt($1, $2) as held
      ), given as (
        select * from rows from (
          json_to_recordset($3::json) as (id uuid, task text, "parametersJson" text, queue text, at timestamptz, "afterMs" double precision)
        ) with ordinality as given (id, task, parameters, queue, at, after_ms, position)
      ), known as (
        select g.*, e.id as environment_id, t.max_attempts
        from cloudcode.runs caller
          join cloudcode.environments e on e.id = caller.environment_id
          cross join given g
          join cloudcode.tasks t on t.deployment_id = e.deployment_id and t.name = g.task
        where caller.id = $1
      ), locked as materialized (
        -- In one order for all writers, as when attempts end: two of them never wait for each other.
        select count(cloudcode.lock_queue(queue.environment_id, queue.name)) from (
          select distinct environment_id, queue as name, hashtextextended(queue, environment_id) as key from known where queue is not null order by key
        ) as queue
      ), inserted as (
        insert into cloudcode.runs (id, environment_id, task, parameters, queue, due_at, max_attempts, attempt_limit, at_front, scheduled_by)
        select id, environment_id, task, parameters::json, queue, cloudcode.due_at(at, after_ms), max_attempts, max_attempts, queue is null, $1
        from locked cross join known order by position
      )
      select held, (select g.task from given g where not exists (select from known k where k.id = g.id) order by g.position limit 1) as "unknownTask"
      from held`,
    values: [caller.runId, caller.fence, JSON.stringify(runs)],
  });
  return { unknownTask: row?.unknownTask ?? null };
}

/**
 * Adds a run with a key on behalf of an attempt, as insertRunsByAttempt does one without.
 * @returns the id of the new run, or of the one with this key that is unfinished, or null when there is no such task
 * @throws CloudCodeError `attempt_superseded`
 */
export async function insertKeyedRunByAttempt(
  db: Queryable,
  caller: Caller,
  run: ScheduledRun,
): Promise<string | null> {
  const [row] = await db.query<{ id: string | null }>({
    name: 'insert_keyed_run_by_attempt',
    text: `
      with held as materialized (
        select cloudcode.hold_attempt($1, $2) as held
      )
      select cloudcode.insert_keyed_run($3, r.environment_id, $4, $5, $6, $7, cloudcode.due_at($8, $9), r.id) as id
      from held join cloudcode.runs r on r.id = $1 and held`,
    values: [caller.runId, caller.fence, run.id, run.task, run.key, run.parametersJson, run.queue, run.at, run.afterMs],
  });
  return row?.id ?? null;
}
