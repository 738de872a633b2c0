import type { ScheduledRun } from '../core/schedule-request.ts';
import type { Caller } from './insert-run.ts';
import type { Queryable } from './open-store.ts';

// The order in which every transaction takes its locks: docs/architecture.md, "Lock order".

/** Takes the lock of a run's queue for the rest of the transaction, before the row of a run that waits or is finished is changed. */
export async function lockQueueOfRun(db: Queryable, runId: string): Promise<void> {
  await db.query({
    name: 'lock_queue_of_run',
    text: 'select cloudcode.lock_queue(environment_id, queue) from cloudcode.runs where id = $1 and queue is not null',
    values: [runId],
  });
}

/**
 * Takes what several statements of an attempt will lock one after the other, in one order for all writers: the attempt's row, then the queues and keys of these runs.
 * @throws CloudCodeError `attempt_superseded`
 */
export async function lockForRuns(db: Queryable, caller: Caller, runs: readonly ScheduledRun[]): Promise<void> {
  const keyed = runs.filter((run) => run.key !== null);
  await db.query({
    name: 'lock_for_runs',
    text: `
      with held as materialized (
        select cloudcode.hold_attempt($1, $2) as held
      ), queues as materialized (
        select cloudcode.lock_queues(array_fill(caller.environment_id, array[cardinality($3::text[])]), $3::text[])
        from held join cloudcode.runs caller on caller.id = $1 where held
      ), wanted as (
        select distinct hashtextextended(keyed.task || ' ' || keyed.key, caller.environment_id + 4294967296) as lock
        from queues cross join unnest($4::text[], $5::text[]) as keyed (task, key) join cloudcode.runs caller on caller.id = $1
      )
      select (select count(*) from queues), (select count(pg_advisory_xact_lock(lock)) from (select lock from wanted order by lock) as ordered)`,
    values: [
      caller.runId,
      caller.fence,
      [...new Set(runs.flatMap((run) => run.queue ?? []))],
      keyed.map((run) => run.task),
      keyed.map((run) => run.key),
    ],
  });
}

/** Takes the locks of all queues whose retry policy may be changed, before their rows. */
export async function lockQueuesOfPolicies(
  db: Queryable,
  environmentId: number,
  names: readonly string[],
): Promise<void> {
  await db.query({
    name: 'lock_queues_of_policies',
    text: `
      select cloudcode.lock_queues(array_agg($1::integer), array_agg(name)) from (
        select unnest($2::text[]) as name union select name from cloudcode.queues where environment_id = $1 and on_retry <> 'wait'
      ) as changed having count(*) > 0`,
    values: [environmentId, names],
  });
}
