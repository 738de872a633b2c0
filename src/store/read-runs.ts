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
      select ${runColumns}, seq from cloudcode.run_details
      where environment_id = $1
        and ($2::text is null or state = $2) and ($3::text is null or task = $3) and ($4::text is null or queue = $4)
        and ($5::bigint is null or seq < $5)
      order by seq desc limit $6`,
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
      with waiting as (
        select r.*, coalesce(q.paused, false) as is_paused
        from cloudcode.runs r left join cloudcode.queues q on q.environment_id = r.environment_id and q.name = r.queue
        where r.environment_id = $1 and r.state in ('queued', 'running')
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
