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
  '58': 'an error of the disk, or of the system',
  CERT_: 'the certificate of the server is not valid (yet, or any more), until it is renewed',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the authority of the server is not trusted',
  EACCES: 'the socket may not be opened',
  EADDRNOTAVAIL: 'no port or address of this machine is free',
  EAI_: 'the name server is away, or names cannot be looked up',
  ECONN: 'refused, reset or aborted',
  EHOSTDOWN: 'the machine is away',
  EHOSTUNREACH: 'no way to the machine',
  EMFILE: 'this process has no descriptor left for a connection',
  ENETDOWN: 'the network is away',
  ENETRESET: 'the connection broke',
  ENETUNREACH: 'no way to the network',
  ENFILE: 'this machine has no descriptor left for a connection',
  ENOBUFS: 'this machine has no memory left for a connection',
  ENOENT: 'the socket is not there',
  ENOMEM: 'this machine has no memory left for a connection',
  ENOTFOUND: 'the name is not there',
  EPERM: 'a firewall of this machine',
  EPIPE: 'the connection broke',
  EPROTO: 'the TLS handshake failed',
  ERR_SSL_: 'the TLS handshake failed',
  ERR_STREAM_: 'the connection broke',
  ERR_TLS_: 'the certificate is for another name, or the TLS handshake failed',
  ETIMEDOUT: 'no answer',
  HOSTNAME_MISMATCH: 'the certificate is for another name',
  SELF_SIGNED_CERT_IN_CHAIN: 'the authority of the server is not trusted',
  UNABLE_TO_: 'the authority of the server is not trusted',
};
const awayPrefixes = Object.keys(awayCodes);

/** What the driver says, without a code, about a connection that is of no use or that was refused. */
const awayMessages = /connection|timeout|terminated|not queryable|^SASL/i;

/** What to do about an error that means away. */
interface Explanation {
  readonly applies: (code: string, message: string) => boolean;
  readonly said: string;
  readonly hint: string;
}

const ranOut = 'The database has run out of what it needs';
const unreachable = 'The database cannot be reached';

/** The first that applies. */
const explanations: readonly Explanation[] = [
  {
    applies: (code) => code === '53100',
    said: ranOut,
    hint: 'Make room on the disk that holds its data. What waits goes on by itself then.',
  },
  {
    applies: (code) => code === '53300',
    said: 'The database has no connection left',
    hint: 'Raise `max_connections` of the server, or lower `--concurrency`.',
  },
  {
    applies: (code) => code.startsWith('53'),
    said: ranOut,
    hint: 'Give the server more of it, or let less of it be used.',
  },
  {
    applies: (code) => /^(CERT_|DEPTH_ZERO_SELF|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH)/.test(code),
    said: 'The certificate of the database server is not accepted',
    hint: 'Name the file of the authority that signed it: add sslmode=verify-full&sslrootcert=/path/to/ca.pem to the URL. The host in the URL must be one that the certificate names; sslmode=verify-ca does not ask for that.',
  },
  {
    applies: (code) => code === '57014',
    said: 'The database did not let a statement end',
    hint: 'Somebody cancels statements of CloudCode (pg_cancel_backend); let it be.',
  },
  {
    applies: (code) => code === '25006',
    said: 'The database takes no writes',
    hint: 'Name the primary, or all of its hosts: postgres://user:password@host1,host2/database?target_session_attrs=read-write. The one that is the primary is used.',
  },
  {
    applies: (code, message) => code === '28000' && /encrypt|ssl/i.test(message),
    said: unreachable,
    hint: 'The server may want encrypted connections only: add sslmode=require to the URL, or better sslmode=verify-full&sslrootcert=/path/to/ca.pem.',
  },
  {
    applies: (code) => code === '28P01',
    said: unreachable,
    hint: 'Check the user and the password. In the URL, `/` in a password is written %2F, and a `%` before two digits or letters from a to f %25.',
  },
  {
    applies: (code) => code === '3D000',
    said: unreachable,
    hint: 'Make the database (createdb), or name another one.',
  },
  {
    applies: (_, message) => message.includes('does not support SSL'),
    said: unreachable,
    hint: 'Set ssl = on in postgresql.conf, or leave sslmode out of the URL: then nothing is encrypted.',
  },
];

const unexplained = {
  said: unreachable,
  hint: 'Check that the PostgreSQL server runs and that the URL, user and password are right.',
};

/** Transactions that met each other: one of them has to begin again. Serialization failure, deadlock, a lock that was not there in time. */
const conflicts = new Set(['40001', '40P01', '55P03']);

/** Whether a transaction was ended because it met another: doing it again goes through. */
export function isConflict(error: unknown): boolean {
  return conflicts.has(sqlState(error) ?? '');
}

/** What a caller sees of transactions that kept meeting others until the patience had run out: nothing is wrong with what it asked for. */
export function asExhausted(error: unknown): unknown {
  if (!isConflict(error)) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new CloudCodeError('database_unreachable', `The database is too busy: ${why}.`, {
    hint: 'Other transactions hold the same rows. See pg_locks and pg_stat_activity.',
    cause: error,
  });
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
  if (code === supersededState)
    return new CloudCodeError(
      'attempt_superseded',
      'The run was taken over by another attempt; this one can change nothing more.',
      { cause: error },
    );
  const lost =
    code === undefined ? awayMessages.test(error.message) : awayPrefixes.some((prefix) => code.startsWith(prefix));
  if (!lost) return error;
  const why = `${error.message || code || 'no answer'}.`;
  const { said, hint } = explanations.find((each) => each.applies(code ?? '', error.message)) ?? unexplained;
  return new CloudCodeError('database_unreachable', `${said}: ${why}`, { hint, cause: error });
}

/** The SQLSTATE of a refusal by the database, or null for any other error. */
export function sqlState(error: unknown): string | null {
  return error instanceof pg.DatabaseError ? (error.code ?? null) : null;
}

/** The name of the constraint or index that refused a write, or null. */
export function violatedConstraint(error: unknown): string | null {
  return error instanceof pg.DatabaseError ? (error.constraint ?? null) : null;
}

/** Which check refused a row, and the row as PostgreSQL shows it, `(id, …)`, as far as it does; null for any other error. */
export function checkViolation(
  error: unknown,
): { readonly table: string; readonly constraint: string; readonly row: string } | null {
  if (!(error instanceof pg.DatabaseError) || error.code !== '23514') return null;
  return {
    table: error.table ?? '',
    constraint: error.constraint ?? '',
    row: (error.detail ?? '').replace(/^[^(]*/, ''),
  };
}
