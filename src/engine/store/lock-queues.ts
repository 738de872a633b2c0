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
  const [queues, tasks, keys] = lockedBy(runs);
  await db.query({
    name: 'lock_for_runs',
    text: `
      with held as materialized (
        select cloudcode.hold_attempt($1, $2) as held
      ), environment as (
        select caller.environment_id as id from held join cloudcode.runs caller on caller.id = $1 where held
      ), ${locksOf('$3', '$4', '$5')}`,
    values: [caller.runId, caller.fence, queues, tasks, keys],
  });
}

/** The same for runs that nobody's attempt schedules: the queues and keys. */
export async function lockForRunsFromOutside(
  db: Queryable,
  environment: string,
  runs: readonly ScheduledRun[],
): Promise<void> {
  const [queues, tasks, keys] = lockedBy(runs);
  await db.query({
    name: 'lock_for_runs_from_outside',
    text: `
      with environment as (
        select id from cloudcode.environments where name = $1
      ), ${locksOf('$2', '$3', '$4')}`,
    values: [environment, queues, tasks, keys],
  });
}

/** The queues of these runs, and the tasks and keys of those that have one. */
function lockedBy(runs: readonly ScheduledRun[]): readonly (readonly (string | null)[])[] {
  const keyed = runs.filter(({ key }) => key !== null);
  return [
    [...new Set(runs.flatMap(({ queue }) => queue ?? []))],
    keyed.map(({ task }) => task),
    keyed.map(({ key }) => key),
  ];
}

/** The end of a statement that takes the locks of queues and keys in the row of `environment`. */
function locksOf(queues: string, tasks: string, keys: string): string {
  return `queues as materialized (
        select cloudcode.lock_queues(array_fill(id, array[cardinality(${queues}::text[])]), ${queues}::text[]) from environment
      ), wanted as (
        select distinct hashtextextended(keyed.task || ' ' || keyed.key, environment.id + 4294967296) as lock
        from queues cross join environment cross join unnest(${tasks}::text[], ${keys}::text[]) as keyed (task, key)
      )
      select (select count(*) from queues), (select count(pg_advisory_xact_lock(lock)) from (select lock from wanted order by lock) as ordered)`;
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
