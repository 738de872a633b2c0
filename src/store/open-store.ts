import pg from 'pg';
import { CloudCodeError } from '../core/errors.ts';

/** One SQL statement: named, so that the server prepares it once per connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** What runs statements: the store, or one transaction of it. */
export interface Queryable {
  query<Row extends object>(statement: Statement): Promise<readonly Row[]>;
}

export interface Store extends Queryable, AsyncDisposable {
  readonly url: string;
  /** Runs `work` in one transaction: committed when it resolves, rolled back when it throws. */
  transaction<Result>(work: (db: Queryable) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

const oldestServerVersion = 150_000;

/**
 * Connects to a PostgreSQL server and checks that it answers and is new enough.
 * @throws CloudCodeError `database_unreachable`, `database_too_old`
 */
export async function openStore(options: { readonly url: string; readonly maxConnections?: number }): Promise<Store> {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.maxConnections ?? 8,
    application_name: 'cloudcode',
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    // A server may be set to round what it shows of numbers; whatever else it is set to makes no difference.
    verify: (client, done) => void client.query('set extra_float_digits = 1').then(() => done(), done),
  });
  // An idle connection that breaks is replaced by the pool; the error matters only where a statement fails.
  pool.on('error', () => undefined);
  // Nor does one that breaks in the middle of a transaction end the process: the statement that fails tells it.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const store = storeOf(pool, options.url);
  try {
    await checkServerVersion(store);
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

function storeOf(pool: pg.Pool, url: string): Store {
  const close = async (): Promise<void> => {
    if (!pool.ended) await pool.end();
  };
  return {
    url,
    query: (statement) => runStatement(pool, statement),
    transaction: (work) => runTransaction(pool, work),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function runStatement<Row extends object>(on: pg.Pool | pg.PoolClient, statement: Statement): Promise<readonly Row[]> {
  try {
    const result = await on.query<Row>({ name: statement.name, text: statement.text, values: [...(statement.values ?? [])] });
    return result.rows;
  } catch (error) {
    throw asStoreError(error);
  }
}

async function runTransaction<Result>(pool: pg.Pool, work: (db: Queryable) => Promise<Result>): Promise<Result> {
  const client = await pool.connect().catch((error: unknown) => {
    throw asStoreError(error);
  });
  let broken = false;
  try {
    await runStatement(client, { name: 'begin', text: 'begin' });
    const result = await work({ query: (statement) => runStatement(client, statement) });
    await runStatement(client, { name: 'commit', text: 'commit' });
    return result;
  } catch (error) {
    // The server rolls back by itself when the connection is gone.
    await client.query('rollback').catch(() => (broken = true));
    throw error;
  } finally {
    client.release(broken);
  }
}

async function checkServerVersion(store: Store): Promise<void> {
  const [row] = await store.query<{ number: number; version: string }>({
    name: 'server_version',
    text: "select current_setting('server_version_num')::integer as number, current_setting('server_version') as version",
  });
  if (row !== undefined && row.number >= oldestServerVersion) return;
  throw new CloudCodeError('database_too_old', `The PostgreSQL server is version ${row?.version ?? 'unknown'}; CloudCode needs 15 or later.`, {
    hint: 'Name a newer server with --database URL, or leave it out to use the embedded one.',
  });
}

/** SQLSTATE classes and codes of Node that mean: the database is away, and the same may go through later. */
const unreachable = /^(08|57P0[1-5]|53300|28|3D000|ECONN|ENOENT|ENOTFOUND|EPIPE|ETIMEDOUT|EHOSTUNREACH|EAI_AGAIN|EACCES)/;

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
  return new CloudCodeError('database_unreachable', `The database cannot be reached: ${error.message || code || 'no answer'}.`, {
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
