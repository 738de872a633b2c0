import type { Database } from './server.ts';

/** What the runs that fillKept makes have in common, by which lists look for them. */
export const kept = {
  /** Half of the runs are of the first. */
  tasks: 60,
  /** A fifth of the runs are in the first, another fifth in the others. */
  queues: 1_000,
  deployments: 10,
  /** Scheduled a hundred runs each, of all the fifth; and one of a tenth of all. */
  caller: (number: number): string => `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`,
} as const;

/**
 * Fills a migrated store with so many finished runs of a day, as different as those of an application, and a thousandth as many that wait. What is derived from them is written as it would have
 * been, but nothing is listed. Of each kind of value there is one that only the oldest run has, named `rare`.
 */
export async function fillKept(database: Database, count: number): Promise<void> {
  await database.query('alter table cloudcode.runs disable trigger user');
  await database.query(`
    insert into cloudcode.runs (id, environment_id, task, parameters, queue, key, scheduled_by, due_at, created_at, started_at, finished_at, state, result, error, fingerprint, max_attempts,
      attempt_count, attempt_limit, fence, runner_id, deployment_id, outcome, exit_code, pid)
    select gen_random_uuid(), e.id,
      case when n = 1 then 'rare' when n % 2 = 0 then 'task 0' else 'task ' || hash % ${kept.tasks} end, json_build_object('number', n, 'text', 'as a task might get'),
      case when n = 1 then 'rare' when hash % 5 = 0 then 'queue 0' when hash % 5 = 1 then 'queue ' || hash % ${kept.queues} end,
      case when n = 1 then 'rare' when hash % 10 = 2 then 'key ' || hash % 5000 end,
      case when n = 1 then '${kept.caller(1)}' when hash % 10 = 3 then '${kept.caller(2)}' when n % 5 = 4 then '00000000-0000-7000-8000-' || lpad((n / 500 + 3)::text, 12, '0') end::uuid,
      at, at, at, to_timestamp(ceil(extract(epoch from at) / 10) * 10), state, case when state = 'succeeded' then 'null'::json end,
      case when state in ('failed', 'dead') then json_build_object('name', 'Error', 'message', 'order ' || n || ' was refused', 'stack', 'Error: order was refused at index.ts:1:1') end,
      case when n = 1 then 'rare' when state in ('failed', 'dead') then 'fingerprint ' || hash % 50 end, 5,
      1, 5, nextval('cloudcode.fences'), '00000000-0000-0000-0000-000000000000', case when n = 1 then 999 else 1 + n * ${kept.deployments}::bigint / ${count + 1} end,
      case state when 'succeeded' then 'returned' when 'failed' then 'threw' when 'dead' then 'exited' else 'cancelled' end, 0, 1
    from cloudcode.environments e, generate_series(1, ${count}) n,
      lateral (select now() - interval '1 day' + n * interval '1 day' / ${count} as at, abs(hashint4(n)) as hash) made,
      lateral (select case when n = 1 then 'cancelled' when hash % 100 < 4 then 'failed' when hash % 100 = 4 then 'dead' else 'succeeded' end as state) ended
    where e.name = 'testing' order by n`);
  await database.query(`
    insert into cloudcode.runs (id, environment_id, task, parameters, queue, due_at, max_attempts, attempt_limit)
    select gen_random_uuid(), e.id, 'task ' || n % ${kept.tasks}, '{}', case when n % 2 = 0 then 'queue ' || n % 20 end, now() + n % 3 * interval '1 hour', 5, 5
    from cloudcode.environments e, generate_series(1, ${Math.ceil(count / 1000)}) n where e.name = 'testing' order by n`);
  await database.query('alter table cloudcode.runs enable trigger user');
  await database.query(`
    insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at)
      select environment_id, wake_at, seq, id, due_at from cloudcode.runs where state = 'queued' and queue is null order by seq;
    insert into cloudcode.backlog (environment_id, queue, due_at, seq, wake_at, run_id)
      select environment_id, queue, due_at, seq, wake_at, id from cloudcode.runs where state = 'queued' and queue is not null order by seq;
    select cloudcode.advance_queues(array_agg(environment_id), array_agg(queue)) from (select distinct environment_id, queue from cloudcode.backlog) q having count(*) > 0;
    insert into cloudcode.endings (environment_id, at, dead, run_ids)
      select environment_id, finished_at, state = 'dead', array_agg(id) from cloudcode.runs where finished_at is not null group by environment_id, finished_at, state = 'dead' order by finished_at`);
  await database.settle();
}
