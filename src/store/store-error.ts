import pg from 'pg';
import { CloudCodeError } from '../core/errors.ts';

/** SQLSTATEs, or beginnings of them, and codes of Node that mean: not now, the same may go through later. Every other error is a refusal of this one statement. */
const awayCodes: Readonly<Record<string, string>> = {
  '08': 'the connection broke',
  '25006': 'a standby that is not yet the primary',
  '25P03': 'the server ended a transaction because nothing came',
  '25P04': 'the server ended a transaction that took too long for it',
  '26000': 'prepared statements are gone: a pooler has taken another session',
  '28': 'a password is being changed, or pg_hba.conf',
  '3D000': 'the database is being restored',
  '53': 'out of disk, memory or connections',
  '57014': 'somebody else cancelled the statement: we never ask for that',
  '57P01': 'an administrator ended the session',
  '57P02': 'the server crashed',
  '57P03': 'the server starts or stops',
  '57P04': 'the database was dropped, and may be restored',
  '57P05': 'the server ended an idle session',
  '58030': 'an error of the disk',
  CERT_: 'the certificate of the server is not valid (yet, or any more), until it is renewed',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the authority of the server is not trusted',
  EACCES: 'the socket may not be opened',
  EAI_AGAIN: 'the name server is away',
  ECONN: 'refused, reset or aborted',
  EHOSTUNREACH: 'no way to the machine',
  EMFILE: 'this process has no descriptor left for a connection',
  ENETUNREACH: 'no way to the network',
  ENFILE: 'this machine has no descriptor left for a connection',
  ENOENT: 'the socket is not there',
  ENOTFOUND: 'the name is not there',
  EPIPE: 'the connection broke',
  EPROTO: 'the TLS handshake failed',
  ERR_SSL_: 'the TLS handshake failed',
  ERR_TLS_: 'the certificate is for another name, or the TLS handshake failed',
  ETIMEDOUT: 'no answer',
  HOSTNAME_MISMATCH: 'the certificate is for another name',
  SELF_SIGNED_CERT_IN_CHAIN: 'the authority of the server is not trusted',
  UNABLE_TO_: 'the authority of the server is not trusted',
};
const awayPrefixes = Object.keys(awayCodes);

const certificate = /^(CERT_|DEPTH_ZERO_SELF|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH)/;

/** What the driver says, without a code, about a connection that is of no use or that was refused. */
const awayMessages = /connection|timeout|terminated|not queryable|^SASL/i;

/** Out of disk (53100), memory (53200) or connections (53300). */
const full = /^53/;

/** Transactions that met each other: one of them has to begin again. Serialization failure, deadlock, a lock that was not there in time. */
const conflicts = new Set(['40001', '40P01', '55P03']);

/** Whether a transaction was ended because it met another: doing it again goes through. */
export function isConflict(error: unknown): boolean {
  return conflicts.has(sqlState(error) ?? '');
}

/** What a caller sees of transactions that kept meeting others until the patience was over: nothing is wrong with what it asked for. */
export function asExhausted(error: unknown): unknown {
  if (!isConflict(error)) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new CloudCodeError('database_unreachable', `The database is too busy: ${why}.`, { hint: 'Other transactions hold the same rows. See pg_locks and pg_stat_activity.', cause: error });
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
  const lost = code === undefined ? awayMessages.test(error.message) : awayPrefixes.some((prefix) => code.startsWith(prefix));
  if (isDatabaseError ? !lost : !lost && code !== undefined) return error;
  if (!lost) return error;
  const why = `${error.message || code || 'no answer'}.`;
  if (code !== undefined && full.test(code)) {
    const hint = code === '53100' ? 'Make room on the disk that holds its data. What waits goes on by itself then.' : 'Give it more, or let fewer use it.';
    return new CloudCodeError('database_unreachable', `The database has run out of what it needs: ${why}`, { hint, cause: error });
  }
  if (code !== undefined && certificate.test(code)) {
    return new CloudCodeError('database_unreachable', `The certificate of the database server is not accepted: ${why}`, {
      hint: 'Name the file of the authority that signed it: add sslmode=verify-full&sslrootcert=/path/to/ca.pem to the URL. The host in the URL must be one that the certificate names.',
      cause: error,
    });
  }
  if (code === '57014') {
    return new CloudCodeError('database_unreachable', `The database did not let a statement end: ${why}`, { hint: 'Somebody cancels statements of CloudCode (pg_cancel_backend); let it be.', cause: error });
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
