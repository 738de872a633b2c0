import type { Queryable } from '../../src/engine/store/open-store.ts';

// What must hold of a store whatever many clients did at once, worked out from its rows alone. Each statement lists what breaks it.

const invariants = {
  'of a queue one run is running at most': `
    select queue as what from cloudcode.runs where state = 'running' and queue is not null group by environment_id, queue having count(*) > 1`,
  'what can be claimed is as the runs are': `
    select problem || coalesce(' of ' || queue, '') || coalesce(' ' || run_id, '') as what from cloudcode.check_store()`,
  'the front of a queue is nobody when one runs or it is paused; else the first by due time and order of scheduling': `
    select r.queue as what
    from cloudcode.runs r left join cloudcode.queues q on q.environment_id = r.environment_id and q.name = r.queue
      left join cloudcode.ready y on y.run_id = r.id
    where r.queue is not null and r.state in ('queued', 'running')
    group by r.environment_id, r.queue, q.paused, q.on_retry
    having coalesce(q.on_retry, 'wait') = 'wait' and array_agg(r.id) filter (where y.run_id is not null) is distinct from
      case when bool_or(r.state = 'running') or q.paused then null
           else (array_agg(r.id order by r.due_at, r.seq))[1:1] end`,
  'a queue that skips retries stands still for nobody': `
    select r.queue as what
    from cloudcode.runs r join cloudcode.queues q on q.environment_id = r.environment_id and q.name = r.queue
      left join cloudcode.ready y on y.run_id = r.id
    where r.state in ('queued', 'running') and q.on_retry = 'skip'
    group by r.environment_id, r.queue, q.paused
    having (q.paused or bool_or(r.state = 'running')) and bool_or(y.run_id is not null)
      or not q.paused and not bool_or(r.state = 'running') and count(y.run_id) <> 1
      or not q.paused and bool_or(r.state = 'queued' and r.wake_at <= now()) and not bool_or(r.state = 'running' or y.run_id is not null and r.wake_at <= now())`,
  'a run without a queue is ready while it waits': `
    select id::text as what from cloudcode.runs r where queue is null and exists (select from cloudcode.ready y where y.run_id = r.id) <> (state = 'queued')`,
  'no run has more attempts than it may have, and each is recorded': `
    select r.id::text as what from cloudcode.runs r
    where attempt_count > attempt_limit or attempt_count <> (select count(*) from cloudcode.attempts a where a.run_id = r.id)
      or attempt_count <> coalesce((select max(number) from cloudcode.attempts a where a.run_id = r.id), 0)`,
  'one attempt is under way of a running run, and none of another': `
    select r.id::text as what from cloudcode.runs r
    where (select count(*) from cloudcode.attempts a where a.run_id = r.id and a.outcome is null) <> (r.state = 'running')::integer
      or r.state = 'running' and r.fence <> (select a.fence from cloudcode.attempts a where a.run_id = r.id and a.outcome is null)`,
  'an answer ends a run: nothing comes after the attempt that returned': `
    select r.id::text as what from cloudcode.runs r
    where (r.state = 'succeeded') <> exists (select from cloudcode.attempts a where a.run_id = r.id and a.number = r.attempt_count and a.outcome = 'returned')
      or exists (select from cloudcode.attempts a where a.run_id = r.id and a.number < r.attempt_count and a.outcome = 'returned')`,
  'an answer that is stored before the end is that of a running attempt': `
    select id::text as what from cloudcode.runs where answer is not null and state <> 'running'`,
  'fences grow with the attempts of a run': `
    select a.run_id::text as what from cloudcode.attempts a join cloudcode.attempts b on b.run_id = a.run_id and b.number > a.number where b.fence <= a.fence`,
  'a fence is given once': 'select fence::text as what from cloudcode.attempts group by fence having count(*) > 1',
  'of a key one run is unfinished': `
    select key as what from cloudcode.runs where key is not null and state in ('queued', 'running') group by environment_id, task, key having count(*) > 1`,
} as const;

/** @returns what is broken, in words; empty when nothing is */
export async function brokenInvariants(db: Queryable): Promise<readonly string[]> {
  const broken: string[] = [];
  for (const [name, text] of Object.entries(invariants)) {
    for (const { what } of await db.query<{ what: string }>({ name: '', text }))
      broken.push(`not so: ${name} (${what})`);
  }
  return broken;
}
