import type { ErrorRecord } from '../core/errors.ts';
import type { LogLevel, Outcome } from '../core/run.ts';
import type { StoredState } from '../core/run-transitions.ts';
import type { Queryable } from './open-store.ts';
import { planOnce } from './plan-once.ts';

export interface StoredLine {
  /** Its place among the lines of its attempt, from 1 on. A line that is stored already is not stored again. */
  readonly number: number;
  /** ISO 8601. */
  readonly at: string;
  readonly level: LogLevel;
  readonly message: string;
}

/** An attempt's end and what it makes of its run. */
export interface AttemptRecord {
  readonly runId: string;
  readonly fence: string;
  readonly number: number;
  readonly outcome: Outcome;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly pid: number | null;
  readonly peakMemoryBytes: number | null;
  readonly attemptError: ErrorRecord | null;
  readonly state: Exclude<StoredState, 'running'>;
  readonly resultJson: string | null;
  readonly runError: ErrorRecord | null;
  /** Of the error, where its run has failed or is dead. That which was stored with its answer stands. */
  readonly fingerprint: string | null;
  /** For a run that is queued again: its back-off. */
  readonly retryDelayMs: number | null;
  /** 1 when the attempt does not count, else 0. */
  readonly extraAttempts: number;
  readonly lines: readonly StoredLine[];
}

/** What was stored of an end. */
export interface StoredEnd {
  readonly fence: string;
  /** Another run may have become claimable by it. */
  readonly frees: boolean;
}

/**
 * Ends attempts: of each the run with its attempt, and its last log lines, all in one statement, each under its fence. Their rows are locked first, then their queues in one order for
 * all writers. A run that somebody wants cancelled is neither queued again nor `dead`; one that nobody
 * wants cancelled is not cancelled. One whose answer is stored ends by that answer alone, and keeps its result and its error.
 * @returns those that were stored; the others were superseded (or this very end is stored already), or their runs were to become what they must not: nothing was written of them
 */
export function endAttempts(db: Queryable, ends: readonly AttemptRecord[]): Promise<readonly StoredEnd[]> {
  const { name, limit } = planOnce('end_attempts', ends.length, null);
  return db.query<StoredEnd>({
    name,
    text: `
      with given as (
        select * from unnest(
          $1::uuid[], $2::bigint[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::double precision[], $8::integer[],
          $9::text[], $10::integer[], $11::text[], $12::integer[], $13::bigint[], $14::text[], $15::text[]
        ) as given (run_id, fence, number, state, result, error, retry_ms, extra_attempts, outcome, exit_code, signal, pid, peak_memory_bytes, attempt_error, fingerprint)
        order by run_id ${limit}
      ), ended as (
        update cloudcode.runs r
        set state = g.state, cancel_requested_at = null, answer = null,
          -- Those that were stored with the answer, if it was before its end: else they are null.
          result = coalesce(g.result::json, r.result), error = coalesce(g.error::json, r.error), fingerprint = coalesce(r.fingerprint, g.fingerprint),
          retry_at = now() + g.retry_ms * interval '1 millisecond',
          finished_at = case when g.state = 'queued' then null else now() end,
          attempt_limit = r.attempt_limit + coalesce(g.extra_attempts, 0),
          attempt_finished_at = case when g.state = 'queued' then now() end, outcome = g.outcome, exit_code = g.exit_code, signal = g.signal, pid = coalesce(g.pid, r.pid),
          peak_memory_bytes = g.peak_memory_bytes,
          attempt_error = coalesce(g.attempt_error::json, case when r.answered_at is not null then r.error end)
        from given g
        where r.id = g.run_id and r.fence = g.fence and r.state = 'running'
          and (r.answer is null or r.answer = g.outcome)
          and case g.state when 'queued' then r.cancel_requested_at is null when 'dead' then r.cancel_requested_at is null when 'cancelled' then r.cancel_requested_at is not null else true end
        returning r.id, r.fence, r.environment_id, r.queue, r.state, r.seq, r.due_at, r.wake_at
      ), settled as materialized (
        -- Their queues are locked after their rows: docs/architecture.md, "Lock order".
        select cloudcode.settle_ended(array_agg(environment_id), array_agg(queue), array_agg(id), array_agg(seq), array_agg(due_at),
          array_agg(case when state = 'queued' then wake_at end))
        from ended where queue is not null or state = 'queued' having count(*) > 0
      ), endings as (
        insert into cloudcode.endings (environment_id, at, dead, run_ids)
        select environment_id, now(), state = 'dead', array_agg(id) from ended where state <> 'queued' group by environment_id, state = 'dead'
      ), logged as (
        insert into cloudcode.log_lines (run_id, seq, attempt, at, level, message)
        select line.run_id, (line.attempt::bigint << 32) + line.number, line.attempt, line.at, line.level, line.message
        from unnest($16::uuid[], $17::bigint[], $18::integer[], $19::integer[], $20::timestamptz[], $21::text[], $22::text[])
            as line (run_id, fence, attempt, number, at, level, message)
          join ended on ended.id = line.run_id and ended.fence = line.fence
        on conflict (run_id, seq) do nothing
      )
      select fence::text as fence, queue is not null or state = 'queued' as frees, (select count(*) from settled) as settled from ended`,
    values: [...endColumns(ends), ...lineColumnsOf(ends)],
  });
}

function endColumns(ends: readonly AttemptRecord[]): readonly (unknown[] | null)[] {
  // One that is null for all is null itself: it is shorter by so many, and unnest fills it up.
  const column = (value: (end: AttemptRecord) => unknown): unknown[] | null => {
    const values = ends.map(value);
    return values.every((each) => each === null) ? null : values;
  };
  return [
    column((end) => end.runId),
    column((end) => end.fence),
    column((end) => end.number),
    column((end) => end.state),
    column((end) => end.resultJson),
    column((end) => jsonOrNull(end.runError)),
    column((end) => end.retryDelayMs),
    column((end) => end.extraAttempts || null),
    column((end) => end.outcome),
    column((end) => end.exitCode),
    column((end) => end.signal),
    column((end) => end.pid),
    column((end) => end.peakMemoryBytes),
    column((end) => jsonOrNull(end.attemptError)),
    column((end) => end.fingerprint),
  ];
}

function lineColumnsOf(ends: readonly AttemptRecord[]): readonly unknown[][] {
  const owners = ends.flatMap((end) => end.lines.map(() => end));
  return [
    owners.map((end) => end.runId),
    owners.map((end) => end.fence),
    owners.map((end) => end.number),
    ...lineColumns(ends.flatMap((end) => end.lines)),
  ];
}

/**
 * Stores log lines of an attempt that still runs.
 * @returns false when the attempt was superseded: nothing was written
 */
export async function insertLogLines(
  db: Queryable,
  attempt: { readonly runId: string; readonly fence: string; readonly number: number },
  lines: readonly StoredLine[],
): Promise<boolean> {
  const rows = await db.query({
    name: 'insert_log_lines',
    text: `
      with holder as (
        select id from cloudcode.runs where id = $1 and fence = $2 and state = 'running' for share
      ), logged as (
        insert into cloudcode.log_lines (run_id, seq, attempt, at, level, message)
        select holder.id, ($3::integer::bigint << 32) + line.number, $3::integer, line.at, line.level, line.message
        from holder, unnest($4::integer[], $5::timestamptz[], $6::text[], $7::text[]) as line (number, at, level, message)
        on conflict (run_id, seq) do nothing
      )
      select id from holder`,
    values: [attempt.runId, attempt.fence, attempt.number, ...lineColumns(lines)],
  });
  return rows.length > 0;
}

/** Removes log lines of an attempt that lie between the beginning and the end of its output. */
export async function deleteLogLines(
  db: Queryable,
  attempt: { readonly runId: string; readonly number: number },
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  await db.query({
    name: 'delete_log_lines',
    text: `
      delete from cloudcode.log_lines
      where run_id = $1 and seq between ($2::integer::bigint << 32) + $3::integer and ($2::integer::bigint << 32) + $4::integer`,
    values: [attempt.runId, attempt.number, from, to],
  });
}

function lineColumns(lines: readonly StoredLine[]): readonly unknown[][] {
  return [
    lines.map((line) => line.number),
    lines.map((line) => line.at),
    lines.map((line) => line.level),
    lines.map((line) => storable(line.message)),
  ];
}

/** PostgreSQL's text takes every character but U+0000; a lone surrogate cannot be encoded in UTF-8. */
function storable(text: string): string {
  return text.replaceAll('\0', '\u2400').toWellFormed();
}

function jsonOrNull(error: ErrorRecord | null): string | null {
  return error === null ? null : JSON.stringify(error);
}
