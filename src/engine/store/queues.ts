import type { Queue } from '../core/run.ts';
import { lockQueuesOfPolicies } from './lock-queues.ts';
import type { Queryable } from './open-store.ts';

/** The most queues of a page. */
export const queuesPageSize = 10_000;

export interface QueuesPage {
  /** The name after which it begins; null: with the first. */
  readonly after: string | null;
  readonly limit: number;
}

/** The queues that have a run which is unfinished, or are paused, by name; `name` null: a page of them, and else the queue of that name in any case. */
export function readQueues(
  db: Queryable,
  environmentId: number,
  name: string | null,
  { after, limit }: QueuesPage = { after: null, limit: queuesPageSize },
): Promise<readonly Queue[]> {
  return db.query<Queue>({
    name: 'read_queues',
    text: `
      with open as (
        select run_id as id, queue, 'queued' as state, wake_at, due_at from cloudcode.ready where environment_id = $1 and queue is not null and ($2::text is null or queue = $2) and ($3::text is null or queue > $3)
        union all
        select run_id, queue, 'queued', wake_at, due_at from cloudcode.backlog where environment_id = $1 and ($2::text is null or queue = $2) and ($3::text is null or queue > $3)
        union all
        select id, running_queue, 'running', wake_at, due_at from cloudcode.runs where environment_id = $1 and running_queue is not null and ($2::text is null or running_queue = $2) and ($3::text is null or running_queue > $3)
      ), active as (
        select r.queue as name,
          count(*) filter (where r.state = 'queued' and r.wake_at <= now())::integer as queued,
          count(*) filter (where r.state = 'queued' and r.wake_at > now())::integer as scheduled,
          (array_agg(r.id) filter (where r.state = 'running'))[1] as running,
          min(r.due_at) filter (where r.state = 'queued') as oldest_due_at
        from open r
        group by r.queue
      ), settings as (
        select q.name, q.paused from cloudcode.queues q
        where q.environment_id = $1 and ($3::text is null or q.name > $3) and (q.name = $2 or ($2 is null and (q.paused or q.name in (select name from active))))
      )
      select coalesce(active.name, settings.name) as name, coalesce(active.queued, 0) as queued, coalesce(active.scheduled, 0) as scheduled,
        active.running, cloudcode.iso(active.oldest_due_at) as "oldestDueAt", coalesce(settings.paused, false) as paused
      from active full join settings on settings.name = active.name
      order by 1 limit $4`,
    values: [environmentId, name, after, limit],
  });
}

export async function setQueuePaused(
  db: Queryable,
  queue: { readonly environmentId: number; readonly name: string; readonly paused: boolean },
): Promise<void> {
  await db.query({
    name: 'set_queue_paused',
    text: `
      with locked as materialized (
        select cloudcode.lock_queue($1, $2)
      ), changed as (
        insert into cloudcode.queues (environment_id, name, paused) select $1, $2, $3 from locked
        on conflict (environment_id, name) do update set paused = excluded.paused returning environment_id, name
      )
      select cloudcode.settle_queues(array_agg(environment_id), array_agg(name)) from changed`,
    values: [queue.environmentId, queue.name, queue.paused],
  });
}

/** Makes the retry policy of an environment's queues what `policies` says; queues that it does not name wait. @returns whether one had another */
export async function setRetryPolicies(
  db: Queryable,
  environmentId: number,
  policies: ReadonlyMap<string, 'wait' | 'skip'>,
): Promise<boolean> {
  await lockQueuesOfPolicies(db, environmentId, [...policies.keys()]);
  const changed = await db.query({
    name: 'set_retry_policies',
    text: `
      with set as (
        insert into cloudcode.queues (environment_id, name, on_retry)
        select $1, policy.name, policy.on_retry from unnest($2::text[], $3::text[]) as policy (name, on_retry)
        on conflict (environment_id, name) do update set on_retry = excluded.on_retry
        where queues.on_retry <> excluded.on_retry returning environment_id, name
      ), reset as (
        update cloudcode.queues set on_retry = 'wait'
        where environment_id = $1 and on_retry <> 'wait' and not (name = any ($2::text[])) returning environment_id, name
      )
      select cloudcode.settle_queues(array_agg(environment_id), array_agg(name)) from (select * from set union all select * from reset) as changed
      having count(*) > 0`,
    values: [environmentId, [...policies.keys()], [...policies.values()]],
  });
  return changed.length > 0;
}
