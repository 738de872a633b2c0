import { sessionSettings } from './connection.ts';
import { openServers } from './database-servers.ts';
import type { Queryable } from './open-store.ts';
import { connectTo, SessionClient } from './session-client.ts';
import { asStoreError } from './store-error.ts';

/** One connection outside the store's pool, for what is bound to a connection: its locks and settings. None of it outlives the session. */
export interface Session extends Queryable, AsyncDisposable {
  /** The server's process that serves the connection. */
  readonly backendPid: number;
}

/** @throws CloudCodeError `database_unreachable` */
export async function openSession(url: string): Promise<Session> {
  const servers = openServers(url);
  const client = await connectTo(servers, () =>
    new SessionClient({ servers, settings: sessionSettings, limitMs: null }).connect(),
  );
  const query = async <Row extends object>({
    name,
    text,
    values = [],
  }: Parameters<Queryable['query']>[0]): Promise<readonly Row[]> => {
    try {
      return (await client.query<Row>({ name, text, values: [...values] })).rows;
    } catch (error) {
      throw asStoreError(error);
    }
  };
  const close = (): Promise<void> => client.end();
  try {
    const [row] = await query<{ pid: number }>({ name: '', text: 'select pg_backend_pid() as pid' });
    return { backendPid: row?.pid ?? 0, query, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}
