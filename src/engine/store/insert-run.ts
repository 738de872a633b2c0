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
  // A run in no queue can be claimed at once; one in a queue gets its place.
  const [name, entered, entering] =
    run.queue === null
      ? [
          'insert_run',
          `, ready as (
        insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at)
        select environment_id, due_at, seq, id, due_at from inserted
      )`,
          '',
        ]
      : ['insert_run_in_queue', '', ', cloudcode.enqueue_one(environment_id, $5, due_at, seq, id) as entered'];
  const [row] = await db.query<InsertedRun>({
    name,
    text: `
      with inserted as (
        insert into cloudcode.runs (id, environment_id, task, parameters, queue, due_at, max_attempts, attempt_limit)
        select $1, e.id, t.name, $4::json, $5, cloudcode.due_at($6, $7), t.max_attempts, t.max_attempts
        from cloudcode.environments e join cloudcode.tasks t on t.deployment_id = e.deployment_id
        where e.name = $2 and t.name = $3
        returning id, environment_id, seq, due_at, created_at, max_attempts
      )${entered}
      select case when due_at > now() then 'scheduled' else 'queued' end as state, cloudcode.iso(created_at) as "createdAt", cloudcode.iso(due_at) as "dueAt",
        max_attempts as "maxAttempts"${entering}
      from inserted`,
    values: [run.id, environment, run.task, run.parametersJson, run.queue, run.at, run.afterMs],
  });
  if (row === undefined) return null;
  const { state, createdAt, dueAt, maxAttempts } = row;
  return { state, createdAt, dueAt, maxAttempts };
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
      ), inserted as (
        insert into cloudcode.runs (id, environment_id, task, parameters, queue, due_at, max_attempts, attempt_limit, scheduled_by)
        select id, environment_id, task, parameters::json, queue, cloudcode.due_at(at, after_ms), max_attempts, max_attempts, $1
        from held cross join known where held order by position
        returning id, environment_id, queue, due_at, seq
      ), ready as (
        insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at)
        select environment_id, due_at, seq, id, due_at from inserted where queue is null order by seq
      ), queued as materialized (
        select case when count(*) = 1
          then cloudcode.enqueue_one(min(environment_id), min(queue), min(due_at), min(seq), (array_agg(id))[1])
          else cloudcode.enqueue(array_agg(environment_id), array_agg(queue), array_agg(due_at), array_agg(seq), array_agg(id)) end
        from inserted where queue is not null having count(*) > 0
      )
      select held, (select g.task from given g where not exists (select from known k where k.id = g.id) order by g.position limit 1) as "unknownTask",
        (select count(*) from queued) as queued
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
