import pg from 'pg';
import type { OnOperation } from '../core/operation-events.ts';
import { type Notifier, openNotifier } from './notifier.ts';
import { notifyRunners } from './notify-runners.ts';
import { checkServer } from './check-server.ts';
import { connectionLimits, sessionSettings, statementLimitMs } from './connection.ts';
import { openServers } from './database-servers.ts';
import type { Queryable, Statement } from './queryable.ts';
import { retryConflicts } from './retry.ts';
import { connectTo, SessionClient } from './session-client.ts';
import { asStoreError, isOfAborted, isUnreachable } from './store-error.ts';

export type { Queryable, Statement };

export interface Store extends Queryable, Pick<Notifier, 'notify' | 'onNotify'>, AsyncDisposable {
  readonly url: string;
  /** Runs `work` in one transaction: committed when it resolves, rolled back when it throws. */
  transaction<Result>(work: (db: Queryable) => Promise<Result>): Promise<Result>;
  /**
   * As `transaction`, in one round trip: `work` asks for all its statements before it first waits, and the commit is sent with them. When one of them fails, nothing was done. Whatever else
   * `work` makes of the answers comes too late to take it back. Only for what could also be done statement by statement: if somebody cancels the beginning itself, the others are carried out.
   */
  atOnce<Result>(work: (db: Queryable) => Promise<Result>): Promise<Result>;
  /** Tells what an operation has done. */
  readonly onEvent: OnOperation;
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly url: string;
  readonly maxConnections?: number;
  /** How long the answer to a statement may take until its connection is taken for lost; 15 s unless set. */
  readonly limitMs?: number;
  /** The runner whose store it is: its own notifications do not wake it a second time. */
  readonly runnerId?: string;
  /** Hears what operations on this store have done. */
  readonly onEvent?: OnOperation | undefined;
}

/**
 * Connects to a PostgreSQL server and checks that it answers and can be used.
 * @throws CloudCodeError `database_unreachable`, `database_too_old`, `database_unsuitable`
 */
export async function openStore({
  url,
  maxConnections = 8,
  limitMs = statementLimitMs,
  runnerId = '',
  onEvent = () => undefined,
}: StoreOptions): Promise<Store> {
  const connections = openPool({ url, maxConnections, limitMs });
  const store = storeOf(connections, { url, runnerId, onEvent });
  try {
    await checkServer(store);
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

/** The connections of a store. */
interface Connections {
  /** @throws CloudCodeError `database_unreachable` */
  take(): Promise<pg.PoolClient>;
  close(): Promise<void>;
}

function openPool({
  url,
  maxConnections,
  limitMs,
}: {
  readonly url: string;
  readonly maxConnections: number;
  readonly limitMs: number;
}): Connections {
  const servers = openServers(url);
  class PoolClient extends SessionClient {
    constructor() {
      super({ servers, settings: sessionSettings, pipeline: true, limitMs });
    }
  }
  const pool = new pg.Pool({
    Client: PoolClient,
    ...connectionLimits({ limitMs }),
    max: maxConnections,
    idleTimeoutMillis: 60_000,
  });
  // An idle connection that breaks is replaced by the pool; the error matters only where a statement fails.
  pool.on('error', () => undefined);
  return {
    take: () => connectTo(servers, () => pool.connect()),
    async close() {
      if (!pool.ended) await pool.end();
    },
  };
}

function storeOf(
  connections: Connections,
  { url, runnerId, onEvent }: { readonly url: string; readonly runnerId: string; readonly onEvent: OnOperation },
): Store {
  const runByItself = <Row extends object>(statement: Statement): Promise<readonly Row[]> =>
    onConnection(connections, (client) => runStatement<Row>(client, statement));
  const notifier = openNotifier(notifyRunners(runByItself, runnerId));
  const close = async (): Promise<void> => {
    await notifier.flush();
    await connections.close();
  };
  return {
    url,
    // A statement of its own that met another was rolled back as a whole.
    query: (statement) => retryConflicts(() => runByItself(statement)),
    transaction: (work) => runTransaction(connections, work),
    atOnce: (work) => runAtOnce(connections, work),
    notify: notifier.notify,
    onNotify: notifier.onNotify,
    onEvent,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function runStatement<Row extends object>(on: pg.PoolClient, statement: Statement): Promise<readonly Row[]> {
  try {
    const { name, text, values = [], limitMs } = statement;
    const result = await on.query<Row>({
      name,
      text,
      values: [...values],
      ...(limitMs === undefined ? {} : { query_timeout: limitMs }),
    });
    return result.rows;
  } catch (error) {
    throw asStoreError(error);
  }
}

async function runTransaction<Result>(
  connections: Connections,
  work: (db: Queryable) => Promise<Result>,
): Promise<Result> {
  return inTransaction(connections, async (client) => {
    await runStatement(client, { name: 'begin', text: 'begin' });
    const result = await work({ query: (statement) => runStatement(client, statement) });
    await runStatement(client, { name: 'commit', text: 'commit' });
    return result;
  });
}

async function runAtOnce<Result>(connections: Connections, work: (db: Queryable) => Promise<Result>): Promise<Result> {
  return inTransaction(connections, async (client) => {
    let firstError: unknown = null;
    const run = <Row extends object>(statement: Statement): Promise<readonly Row[]> =>
      runStatement<Row>(client, statement).catch((error: unknown) => {
        firstError ??= error;
        throw error;
      });
    const begun = run({ name: 'begin', text: 'begin' });
    const worked = work({ query: run });
    // After a statement that failed it rolls back.
    const committed = run({ name: 'commit', text: 'commit' });
    await Promise.allSettled([begun, worked, committed]);
    const [, result] = await Promise.all([begun, worked, committed]).catch((error: unknown) => {
      // Those after the one that failed say only that one has.
      throw isOfAborted(error) ? firstError : error;
    });
    return result;
  });
}

/** What `transact` did is rolled back when it throws. */
function inTransaction<Result>(
  connections: Connections,
  transact: (client: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  return onConnection(connections, transact, (client) => client.query('rollback'));
}

async function onConnection<Result>(
  connections: Connections,
  work: (client: pg.PoolClient) => Promise<Result>,
  undo: (client: pg.PoolClient) => Promise<unknown> = () => Promise.resolve(),
): Promise<Result> {
  const client = await connections.take();
  let broken = false;
  try {
    return await work(client);
  } catch (error) {
    // The server rolls back by itself when the connection is gone. One that does not answer is not asked again.
    broken = isUnreachable(error);
    if (!broken) await undo(client).catch(() => (broken = true));
    throw error;
  } finally {
    client.release(broken);
  }
}
