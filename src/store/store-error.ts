import pg from 'pg';
import { CloudCodeError } from '../core/errors.ts';

/**
 * SQLSTATE classes and codes of Node that mean: the database is away, and the same may go through later. Besides lost connections: out of disk, memory or connections (53), an error of
 * the disk (58030), a standby that is not yet the primary (25006), a transaction that the server ended because nothing came (25P03), and prepared statements that are gone because a
 * pooler has taken another session (26000).
 */
const unreachable = /^(08|57P0[1-5]|53|58030|25006|25P03|26000|28|3D000|ECONN|ENOENT|ENOTFOUND|EPIPE|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|EAI_AGAIN|EACCES)/;

/** Out of disk (53100), memory (53200) or connections (53300). */
const full = /^53/;

/** Transactions that met each other: one of them has to begin again. Serialization failure, deadlock, a lock that was not there in time. */
const conflicts = new Set(['40001', '40P01', '55P03']);

/** Whether a transaction was ended because it met another: doing it again goes through. */
export function isConflict(error: unknown): boolean {
  return conflicts.has(sqlState(error) ?? '');
}

/** Whether a statement was refused only because one before it in its transaction had failed. */
export function isOfAborted(error: unknown): boolean {
  return sqlState(error) === '25P02';
}

/** Whether the connection that an error came over is of no more use. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof CloudCodeError && error.code === 'database_unreachable';
}

/** Raised by the functions that check an attempt's fence, in migration 0002. */
const supersededState = 'CC001';

/** An error of the driver as the store throws it: a loss of the connection is `database_unreachable`. */
export function asStoreError(error: unknown): unknown {
  if (error instanceof CloudCodeError || !(error instanceof Error)) return error;
  const code = (error as { code?: string }).code;
  if (code === supersededState) return new CloudCodeError('attempt_superseded', 'The run was taken over by another attempt; this one can change nothing more.', { cause: error });
  const isDatabaseError = error instanceof pg.DatabaseError;
  const lost = code === undefined ? /connection|timeout|terminated/i.test(error.message) : unreachable.test(code);
  if (isDatabaseError ? !lost : !lost && code !== undefined) return error;
  if (!lost) return error;
  const why = `${error.message || code || 'no answer'}.`;
  if (code !== undefined && full.test(code)) {
    const hint = code === '53100' ? 'Make room on the disk that holds its data. What waits goes on by itself then.' : 'Give it more, or let fewer use it.';
    return new CloudCodeError('database_unreachable', `The database has run out of what it needs: ${why}`, { hint, cause: error });
  }
  return new CloudCodeError('database_unreachable', `The database cannot be reached: ${why}`, {
    hint: 'Check that the PostgreSQL server runs and that the URL, user and password are right.',
    cause: error,
  });
}

/** The SQLSTATE of a refusal by the database, or null for any other error. */
export function sqlState(error: unknown): string | null {
  return error instanceof pg.DatabaseError ? (error.code ?? null) : null;
}

/** The name of the constraint or index that refused a write, or null. */
export function violatedConstraint(error: unknown): string | null {
  return error instanceof pg.DatabaseError ? (error.constraint ?? null) : null;
}
