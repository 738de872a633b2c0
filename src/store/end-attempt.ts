import type { ErrorRecord } from '../core/errors.ts';
import type { LogLevel, Outcome } from '../core/run.ts';
import type { StoredState } from '../core/run-transitions.ts';
import type { Queryable } from './open-store.ts';

export interface StoredLine {
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
  /** For a run that is queued again: its back-off. */
  readonly retryDelayMs: number | null;
  /** 1 when the attempt does not count, else 0. */
  readonly extraAttempts: number;
  readonly lines: readonly StoredLine[];
}

/**
 * Ends an attempt: the run, the attempt and its last log lines in one statement, under the attempt's fence.
 * @returns false when the attempt was superseded (or this very end is stored already): nothing was written
 */
export async function endAttempt(db: Queryable, end: AttemptRecord): Promise<boolean> {
  const rows = await db.query({
    name: 'end_attempt',
    text: `
      with ended as (
        update cloudcode.runs
        set state = $4, runner_id = null, cancel_requested_at = null, result = $5::json, error = $6::json,
          retry_at = now() + $7::double precision * interval '1 millisecond',
          finished_at = case when $4 = 'queued' then null else now() end,
          attempt_limit = attempt_limit + $8
        where id = $1 and fence = $2 and state = 'running'
        returning id
      ), recorded as (
        update cloudcode.attempts a
        set finished_at = now(), outcome = $9, exit_code = $10, signal = $11, pid = coalesce($12, a.pid), peak_memory_bytes = $13, error = $14::json
        from ended where a.run_id = ended.id and a.number = $3
      ), logged as (
        insert into cloudcode.log_lines (run_id, attempt, at, level, message)
        select ended.id, $3, line.at, line.level, line.message
        from ended, unnest($15::timestamptz[], $16::text[], $17::text[]) as line (at, level, message)
      )
      select id from ended`,
    values: [
      end.runId, end.fence, end.number,
      end.state, end.resultJson, jsonOrNull(end.runError), end.retryDelayMs, end.extraAttempts,
      end.outcome, end.exitCode, end.signal, end.pid, end.peakMemoryBytes, jsonOrNull(end.attemptError),
      ...lineColumns(end.lines),
    ],
  });
  return rows.length > 0;
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
        insert into cloudcode.log_lines (run_id, attempt, at, level, message)
        select holder.id, $3, line.at, line.level, line.message
        from holder, unnest($4::timestamptz[], $5::text[], $6::text[]) as line (at, level, message)
      )
      select id from holder`,
    values: [attempt.runId, attempt.fence, attempt.number, ...lineColumns(lines)],
  });
  return rows.length > 0;
}

function lineColumns(lines: readonly StoredLine[]): readonly [string[], string[], string[]] {
  return [lines.map((line) => line.at), lines.map((line) => line.level), lines.map((line) => storable(line.message))];
}

/** PostgreSQL's text takes every character but U+0000; a lone surrogate cannot be encoded in UTF-8. */
function storable(text: string): string {
  return text.replaceAll('\0', '\u2400').toWellFormed();
}

function jsonOrNull(error: ErrorRecord | null): string | null {
  return error === null ? null : JSON.stringify(error);
}
