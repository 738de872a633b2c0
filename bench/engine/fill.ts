import type { Database } from './server.ts';

/** Deletes all runs and what belongs to them. */
export const clearRuns =
  'truncate cloudcode.runs, cloudcode.ready, cloudcode.backlog, cloudcode.claims, cloudcode.endings, cloudcode.listed, cloudcode.past_attempts, cloudcode.log_lines, cloudcode.batches';

/** Enters all runs of a store, in which nothing was entered before, in the tables that are derived from them. */
export const enterRuns = `
  insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at)
    select environment_id, wake_at, seq, id, due_at from cloudcode.runs where state = 'queued' and queue is null order by seq;
  insert into cloudcode.backlog (environment_id, queue, due_at, seq, wake_at, run_id)
    select environment_id, queue, due_at, seq, wake_at, id from cloudcode.runs where state = 'queued' and queue is not null order by seq;
  select cloudcode.advance_queues(array_agg(environment_id), array_agg(queue)) from (select distinct environment_id, queue from cloudcode.backlog) q having count(*) > 0;
  insert into cloudcode.endings (environment_id, at, dead, run_ids)
    select environment_id, finished_at, false, array_agg(id) from cloudcode.runs where finished_at is not null group by environment_id, finished_at order by finished_at`;

export interface Fill {
  /** Half of them in no queue, half in queues. */
  readonly waiting: number;
  readonly queues: number;
  readonly finished: number;
}

/**
 * Fills a migrated store with runs of the task `noop` as if they had been scheduled, and as many finished ones with an attempt each. One statement for each kind; what is derived from them
 * is written as it would have been.
 */
export async function fillStore(database: Database, { waiting, queues, finished }: Fill): Promise<void> {
  await database.query('alter table cloudcode.runs disable trigger user');
  await database.query(`
    insert into cloudcode.runs (id, environment_id, task, parameters, queue, due_at, max_attempts, attempt_limit)
    select gen_random_uuid(), e.id, 'noop', '{"number":1,"text":"as a task might get"}',
      case when n % 2 = 0 then 'waiting ' || (n / 2) % ${queues} end, now() - interval '1 hour' + n * interval '1 millisecond', 5, 5
    from cloudcode.environments e, generate_series(0, ${waiting - 1}) n where e.name = 'testing' order by n`);
  await database.query(`
    insert into cloudcode.runs (id, environment_id, task, parameters, due_at, created_at, started_at, finished_at, state, result, max_attempts, attempt_count, attempt_limit, fence,
      runner_id, attempt_started_at, attempt_finished_at, outcome, exit_code, pid)
    select gen_random_uuid(), e.id, 'noop', '{"number":1,"text":"as a task might get"}', at, at, at, at, 'succeeded', 'null', 5, 1, 5, nextval('cloudcode.fences'),
      '00000000-0000-0000-0000-000000000000', at, at, 'returned', 0, 1
    from cloudcode.environments e, generate_series(1, ${finished}) n, lateral (select now() - interval '1 day' + n * interval '10 milliseconds' as at) t where e.name = 'testing' order by n`);
  await database.query('alter table cloudcode.runs enable trigger user');
  await database.query(enterRuns);
  await database.settle();
}
