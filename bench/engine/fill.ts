import type { Database } from './server.ts';

/** Deletes all runs and what belongs to them. */
export const clearRuns = 'truncate cloudcode.runs, cloudcode.attempts, cloudcode.log_lines, cloudcode.batches';

export interface Fill {
  /** Half of them in no queue, half in queues. */
  readonly waiting: number;
  readonly queues: number;
  readonly finished: number;
}

/**
 * Fills a migrated store with runs of the task `noop` as if they had been scheduled, and as many finished ones with an attempt each. One statement for each kind; the triggers, which would take a lock for each queue,
 * are off meanwhile, so `at_front` is written as they would have.
 */
export async function fillStore(database: Database, { waiting, queues, finished }: Fill): Promise<void> {
  await database.query('alter table cloudcode.runs disable trigger user');
  await database.query(`
    insert into cloudcode.runs (id, environment_id, task, parameters, queue, due_at, max_attempts, attempt_limit, at_front)
    select gen_random_uuid(), e.id, 'noop', '{"number":1,"text":"as a task might get"}',
      case when n % 2 = 0 then 'waiting ' || (n / 2) % ${queues} end, now() - interval '1 hour' + n * interval '1 millisecond', 5, 5,
      n % 2 = 1 or n / 2 < ${queues}
    from cloudcode.environments e, generate_series(0, ${waiting - 1}) n where e.name = 'testing' order by n`);
  await database.query(`
    with done as (
      insert into cloudcode.runs (id, environment_id, task, parameters, due_at, created_at, started_at, finished_at, state, result, max_attempts, attempt_count, attempt_limit, fence)
      select gen_random_uuid(), e.id, 'noop', '{"number":1,"text":"as a task might get"}', at, at, at, at, 'succeeded', 'null', 5, 1, 5, nextval('cloudcode.fences')
      from cloudcode.environments e, generate_series(1, ${finished}) n, lateral (select now() - interval '1 day' + n * interval '10 milliseconds' as at) t where e.name = 'testing' order by n
      returning id, fence, started_at, finished_at
    )
    insert into cloudcode.attempts (run_id, number, fence, runner_id, started_at, finished_at, outcome, exit_code, pid)
    select id, 1, fence, '00000000-0000-0000-0000-000000000000', started_at, finished_at, 'returned', 0, 1 from done`);
  await database.query('alter table cloudcode.runs enable trigger user');
  await database.settle();
}
