import type { ScheduleRequest } from '../core/schedule-request.ts';
import type { Queryable } from './open-store.ts';

/**
 * Adds a run to an environment, by a request from outside.
 * @returns false when the environment's deployment has no such task: nothing was added
 */
export async function insertRun(db: Queryable, environment: string, run: ScheduleRequest & { readonly id: string }): Promise<boolean> {
  const rows = await db.query({
    name: 'insert_run',
    text: `
      insert into cloudcode.runs (id, environment_id, task, parameters, queue, due_at, max_attempts, attempt_limit)
      select $1, e.id, t.name, $4::json, $5, coalesce($6::timestamptz, now() + coalesce($7::double precision, 0) * interval '1 millisecond'),
        t.max_attempts, t.max_attempts
      from cloudcode.environments e join cloudcode.tasks t on t.deployment_id = e.deployment_id
      where e.name = $2 and t.name = $3
      returning id`,
    values: [run.id, environment, run.task, run.parametersJson, run.queue, run.at, run.afterMs],
  });
  return rows.length > 0;
}

/**
 * Adds a run on behalf of an attempt, in the attempt's environment. The attempt's row is locked against takeover until the commit,
 * so a superseded attempt adds nothing.
 * @returns false when the attempt is superseded or the task unknown: nothing was added
 */
export async function insertRunByAttempt(
  db: Queryable,
  caller: { readonly runId: string; readonly fence: string },
  run: ScheduleRequest & { readonly id: string },
): Promise<boolean> {
  const rows = await db.query({
    name: 'insert_run_by_attempt',
    text: `
      with caller as (
        select r.id, r.environment_id from cloudcode.runs r
        where r.id = $2 and r.fence = $3 and r.state = 'running' for share
      )
      insert into cloudcode.runs (id, environment_id, task, parameters, queue, due_at, max_attempts, attempt_limit, scheduled_by)
      select $1, e.id, t.name, $5::json, $6, coalesce($7::timestamptz, now() + coalesce($8::double precision, 0) * interval '1 millisecond'),
        t.max_attempts, t.max_attempts, caller.id
      from caller
        join cloudcode.environments e on e.id = caller.environment_id
        join cloudcode.tasks t on t.deployment_id = e.deployment_id and t.name = $4
      returning id`,
    values: [run.id, caller.runId, caller.fence, run.task, run.parametersJson, run.queue, run.at, run.afterMs],
  });
  return rows.length > 0;
}

/** Whether the attempt with this fence still holds its run. */
export async function holdsRun(db: Queryable, caller: { readonly runId: string; readonly fence: string }): Promise<boolean> {
  const rows = await db.query({
    name: 'holds_run',
    text: "select 1 as held from cloudcode.runs where id = $1 and fence = $2 and state = 'running'",
    values: [caller.runId, caller.fence],
  });
  return rows.length > 0;
}
