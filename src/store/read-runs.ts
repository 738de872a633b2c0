import type { LogLine, Run, RunState } from '../core/run.ts';
import type { Queryable } from './open-store.ts';

const runColumns = `id, environment, task, parameters, queue, key, state, "createdAt", "dueAt", "retryAt", "startedAt", "finishedAt",
        "scheduledBy", result, error, "maxAttempts", attempts`;

export async function readRun(db: Queryable, environment: string, runId: string): Promise<Run | null> {
  const [run] = await db.query<Run>({
    name: 'read_run',
    text: `select ${runColumns} from cloudcode.run_details where id = $1 and environment = $2`,
    values: [runId, environment],
  });
  return run ?? null;
}

export interface RunFilter {
  readonly state: RunState | null;
  readonly task: string | null;
  readonly queue: string | null;
  /** Only runs scheduled before the one with this order number. */
  readonly beforeSeq: string | null;
  readonly limit: number;
}

/** Runs of an environment, newest first. */
export function readRuns(db: Queryable, environmentId: number, filter: RunFilter): Promise<readonly (Run & { readonly seq: string })[]> {
  return db.query<Run & { seq: string }>({
    name: 'read_runs',
    text: `
      with newest as (
        select of_task.id from (
          select distinct name from cloudcode.tasks where environment_id = $1 and ($3::text is null or name = $3)
        ) t cross join lateral (
          select r.id, r.seq from cloudcode.runs r
          where r.environment_id = $1 and r.task = t.name and r.seq < coalesce($5::bigint, 9223372036854775807)
            and ($4::text is null or r.queue = $4)
            and ($2::text is null or case when r.state = 'queued' and r.wake_at > now() then 'scheduled' else r.state end = $2)
          order by r.seq desc limit $6
        ) of_task
        order by of_task.seq desc limit $6
      )
      select ${runColumns}, seq from newest join cloudcode.run_details using (id)
      order by seq desc`,
    values: [environmentId, filter.state, filter.task, filter.queue, filter.beforeSeq, filter.limit],
  });
}

export async function readEnvironmentId(db: Queryable, environment: string): Promise<number | null> {
  const [row] = await db.query<{ id: number }>({
    name: 'environment_id',
    text: 'select id from cloudcode.environments where name = $1',
    values: [environment],
  });
  return row?.id ?? null;
}

export type NumberedLine = LogLine & { readonly seq: number };

/** Log lines of a run after a given one, in order. */
export function readLogLines(db: Queryable, runId: string, after: { readonly seq: number; readonly limit: number }): Promise<readonly NumberedLine[]> {
  return db.query<NumberedLine>({
    name: 'read_log_lines',
    text: `
      select seq::double precision as seq, cloudcode.iso(at) as at, attempt, level, message from cloudcode.log_lines
      where run_id = $1 and seq > $2 order by seq limit $3`,
    values: [runId, after.seq, after.limit],
  });
}

export interface Backlog {
  readonly queued: number;
  readonly running: number;
  /** Waiting for another attempt. */
  readonly inBackOff: number;
  /** Scheduled, and due within a minute. */
  readonly dueSoon: number;
  /** Scheduled for later than that. */
  readonly later: number;
  /** Due, but in a queue that is paused. */
  readonly paused: number;
  readonly pausedQueues: readonly string[];
}

/** What an environment still has to do. */
export async function readBacklog(db: Queryable, environmentId: number): Promise<Backlog> {
  const [row] = await db.query<Backlog>({
    name: 'read_backlog',
    text: `
      with open as (
        select state, wake_at, retry_at, queue from cloudcode.runs where environment_id = $1 and state = 'queued' and queue is not null
        union all
        select state, wake_at, retry_at, queue from cloudcode.runs where environment_id = $1 and state = 'queued' and at_front and queue is null
        union all
        select state, wake_at, retry_at, queue from cloudcode.runs where environment_id = $1 and state = 'running'
      ), waiting as (
        select r.*, coalesce(q.paused, false) as is_paused
        from open r left join cloudcode.queues q on q.environment_id = $1 and q.name = r.queue
      )
      select
        count(*) filter (where state = 'queued' and wake_at <= now() and not is_paused)::integer as queued,
        count(*) filter (where state = 'running')::integer as running,
        count(*) filter (where state = 'queued' and retry_at > now() and not is_paused)::integer as "inBackOff",
        count(*) filter (where state = 'queued' and retry_at is null and wake_at > now() and wake_at <= now() + interval '1 minute' and not is_paused)::integer as "dueSoon",
        count(*) filter (where state = 'queued' and retry_at is null and wake_at > now() + interval '1 minute' and not is_paused)::integer as later,
        count(*) filter (where state = 'queued' and is_paused)::integer as paused,
        coalesce(array_agg(distinct queue) filter (where state = 'queued' and is_paused), '{}') as "pausedQueues"
      from waiting`,
    values: [environmentId],
  });
  return row ?? { queued: 0, running: 0, inBackOff: 0, dueSoon: 0, later: 0, paused: 0, pausedQueues: [] };
}
