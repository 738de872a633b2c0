import type { Backlog, EndedSummary, ListedRun, NumberedLine, Run, RunState } from '../core/run.ts';
import { newestRuns } from './newest-runs.ts';
import type { RunFilter } from './run-filter.ts';
import type { Queryable } from './open-store.ts';

const runColumns = `id, environment, task, parameters, queue, key, state, "createdAt", "dueAt", "retryAt", "startedAt", "finishedAt",
        "scheduledBy", result, error, fingerprint, "maxAttempts", attempts`;

export async function readRun(db: Queryable, environment: string, runId: string): Promise<Run | null> {
  const [run] = await db.query<Run>({
    name: 'read_run',
    text: `select ${runColumns} from cloudcode.run_details where id = $1 and environment = $2`,
    values: [runId, environment],
  });
  return run ?? null;
}

/** The same as JSON text: parameters and result may be 5 MB each, and are not parsed on the way. */
export async function readRunText(db: Queryable, environment: string, runId: string): Promise<string | null> {
  const [run] = await db.query<{ text: string }>({
    name: 'read_run_text',
    text: `select to_json(run)::text as text from (select ${runColumns} from cloudcode.run_details where id = $1 and environment = $2) as run`,
    values: [runId, environment],
  });
  return run?.text ?? null;
}

/** `omitted` is null when nothing is left out. */
export type ReadRun = Run & { readonly omitted: Required<ListedRun>['omitted'] | null; readonly seq: string };

/** A page of the newest runs of a filter. */
export function readRuns(
  db: Queryable,
  environmentId: number,
  { limit, ...filter }: RunFilter & { readonly limit: number },
): Promise<readonly ReadRun[]> {
  const { text, values } = newestRuns(environmentId, filter, limit);
  // Planned for the values: which index has the fewest of two filters depends on them.
  return db.query<ReadRun>({ name: '', text: `${text}${shown}`, values });
}

/** These runs as in a list, newest first. */
export function readListedRuns(db: Queryable, ids: readonly string[]): Promise<readonly ReadRun[]> {
  return db.query<ReadRun>({
    name: 'read_listed_runs',
    text: `with newest as (select * from unnest($1::uuid[]) as given (id))${shown}`,
    values: [ids],
  });
}

/**
 * The runs of `newest`, without what is over 4 KB as JSON: that never leaves the database. The stored size, which is known without
 * reading the value, tells it of most (up to 8 bytes of it are no content). A large error is shortened to its name and the beginning of its message; characters that no text of PostgreSQL can hold
 * become U+FFFD there.
 */
const shown = `
      select r.id, r.environment, r.task, case when short.parameters then r.parameters end as parameters, r.queue, r.key, r.state,
        r."createdAt", r."dueAt", r."retryAt", r."startedAt", r."finishedAt", r."scheduledBy",
        case when short.result then r.result end as result, ${shortened('r.error')} as error, r.fingerprint, r."maxAttempts", attempts.list as attempts,
        nullif(array_remove(array[
          case when not short.parameters then 'parameters' end, case when not short.result then 'result' end,
          case when not short.error then 'error' end, case when not attempts.are_short then 'attempts' end
        ], null), '{}') as omitted, r.seq
      from newest join cloudcode.run_details r using (id)
        cross join lateral (select ${isShort('r.parameters')} as parameters, ${isShort('r.result')} as result, ${isShort('r.error')} as error) short
        cross join lateral (
          select coalesce(bool_and(${isShort('a.error')}), true) as are_short, coalesce(json_agg(json_build_object(
            'number', a.number,
            'startedAt', cloudcode.iso(a.started_at),
            'answeredAt', cloudcode.iso(a.answered_at),
            'finishedAt', cloudcode.iso(a.finished_at),
            'outcome', a.outcome,
            'exitCode', a.exit_code,
            'signal', a.signal,
            'pid', a.pid,
            'runner', a.runner_id,
            'peakMemoryBytes', a.peak_memory_bytes,
            'fence', a.fence::text,
            'error', ${shortened('a.error')}
          ) order by a.number), '[]'::json) as list
          from cloudcode.attempts a where a.run_id = r.id
        ) attempts
      order by r.seq desc`;

function isShort(json: string): string {
  return `coalesce(pg_column_size(${json}) <= 4104 and octet_length(${json}::text) <= 4096, true)`;
}

function shortened(error: string): string {
  return `case when ${isShort(error)} then ${error} else (
          select json_build_object('name', left(whole.error ->> 'name', 200), 'stack', null,
            'message', left(whole.error ->> 'message', 1000) || case when length(whole.error ->> 'message') > 1000 then '…' else '' end)
          from (select regexp_replace(${error}::text, '\\\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\\\\ufffd', 'g')::json as error) whole
        ) end`;
}

export async function readEnvironmentId(db: Queryable, environment: string): Promise<number | null> {
  const [row] = await db.query<{ id: number }>({
    name: 'environment_id',
    text: 'select id from cloudcode.environments where name = $1',
    values: [environment],
  });
  return row?.id ?? null;
}

/** A page of log lines ends with the line that brings it to about this many bytes. */
const linesBytes = 1024 * 1024;

/** Log lines of a run after a given one, in order: at most `limit`, and of about 1 MB together; none at the end. */
export function readLogLines(
  db: Queryable,
  runId: string,
  after: { readonly seq: number; readonly limit: number },
): Promise<readonly NumberedLine[]> {
  return db.query<NumberedLine>({
    name: 'read_log_lines',
    text: `
      select seq::double precision as seq, cloudcode.iso(at) as at, attempt, level, message from (
        select page.*, sum(octet_length(message)) over (order by seq rows between unbounded preceding and 1 preceding) as bytes_before
        from (select seq, at, attempt, level, message from cloudcode.log_lines where run_id = $1 and seq > $2 order by seq limit $3) page
      ) line
      where coalesce(bytes_before, 0) < $4 order by seq`,
    values: [runId, after.seq, after.limit, linesBytes],
  });
}

/** What an environment still has to do. */
export async function readBacklog(db: Queryable, environmentId: number): Promise<Backlog> {
  const [row] = await db.query<Backlog>({
    name: 'read_backlog',
    text: `
      with open as (
        select 'queued' as state, wake_at, wake_at > due_at as is_retry, queue from cloudcode.ready where environment_id = $1
        union all
        select 'queued', wake_at, is_retry, queue from cloudcode.backlog where environment_id = $1
        union all
        select 'running', wake_at, false, queue from cloudcode.running_runs where environment_id = $1
      ), waiting as (
        select r.*, coalesce(q.paused, false) as is_paused
        from open r left join cloudcode.queues q on q.environment_id = $1 and q.name = r.queue
      )
      select
        count(*) filter (where state = 'queued' and wake_at <= now() and not is_paused)::integer as queued,
        count(*) filter (where state = 'running')::integer as running,
        count(*) filter (where state = 'queued' and is_retry and wake_at > now() and not is_paused)::integer as "inBackOff",
        count(*) filter (where state = 'queued' and not is_retry and wake_at > now() and wake_at <= now() + interval '1 minute' and not is_paused)::integer as "dueSoon",
        count(*) filter (where state = 'queued' and not is_retry and wake_at > now() + interval '1 minute' and not is_paused)::integer as later,
        count(*) filter (where state = 'queued' and is_paused)::integer as paused,
        coalesce((array_agg(distinct queue) filter (where state = 'queued' and is_paused))[1:100], '{}') as "pausedQueues"
      from waiting`,
    values: [environmentId],
  });
  return row ?? { queued: 0, running: 0, inBackOff: 0, dueSoon: 0, later: 0, paused: 0, pausedQueues: [] };
}

/** The runs that have ended since a time, but for one: how many of each task and state, and the last ten that went wrong. */
export async function readEnded(
  db: Queryable,
  environmentId: number,
  { since, besides }: { readonly since: string; readonly besides: string },
): Promise<EndedSummary> {
  const [row] = await db.query<EndedSummary>({
    name: 'read_ended',
    text: `
      with ended as materialized (
        select r.id, r.task, r.state, r.finished_at, r.error
        from cloudcode.endings e cross join unnest(e.run_ids) as of_ending (id) join cloudcode.runs r on r.id = of_ending.id and r.finished_at = e.at
        where e.environment_id = $1 and e.dead in (true, false) and e.at >= $2 and r.id <> $3
      )
      select
        coalesce((
          select json_agg(json_build_object('task', task, 'state', state, 'runs', runs) order by task, state)
          from (select task, state, count(*) as runs from ended group by task, state) as counted
        ), '[]') as counts,
        coalesce((
          select json_agg(json_build_object('id', id, 'task', task, 'state', state, 'message', error ->> 'message') order by finished_at desc)
          from (select * from ended where state in ('failed', 'dead') order by finished_at desc limit 10) as failed
        ), '[]') as failures`,
    values: [environmentId, since, besides],
  });
  return row ?? { counts: [], failures: [] };
}

/** A run's state and nothing else: for those who ask often. */
export async function readRunState(db: Queryable, environment: string, runId: string): Promise<RunState | null> {
  const [row] = await db.query<{ state: RunState }>({
    name: 'read_run_state',
    text: 'select state from cloudcode.run_details where id = $1 and environment = $2',
    values: [runId, environment],
  });
  return row?.state ?? null;
}

/** What somebody knows of a run who watches it. */
export interface SeenRun {
  readonly runId: string;
  /** The last log line that he has; null: lines are of no interest to him. */
  readonly seq: number | null;
}

/** Of which there are more log lines, or that are finished or not there. @returns their places among those given, from 1 on */
export async function readChanged(db: Queryable, seen: readonly SeenRun[]): Promise<readonly number[]> {
  const rows = await db.query<{ place: number }>({
    name: 'read_changed',
    text: `
      select seen.place::integer as place
      from unnest($1::uuid[], $2::bigint[]) with ordinality as seen (run_id, seq, place) left join cloudcode.runs r on r.id = seen.run_id
      where r.id is null or r.state not in ('queued', 'running')
        or exists (select from cloudcode.log_lines l where l.run_id = seen.run_id and l.seq > seen.seq)`,
    values: [seen.map(({ runId }) => runId), seen.map(({ seq }) => seq)],
  });
  return rows.map(({ place }) => place);
}
