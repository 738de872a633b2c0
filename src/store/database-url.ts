import { connect, type Socket } from 'node:net';
import pg from 'pg';

/** The same server's other database. (The URL class does not take `postgres://user:password@/name?host=…`.) */
export function withDatabase(url: string, name: string): string {
  return url.replace(/^([^?]*\/\/[^/?]*\/)[^?]*/, `$1${name}`);
}

/** What is at the other end of a database's URL. */
export interface DatabaseServer {
  /** Whether the driver encrypts what it sends. */
  readonly isEncrypted: boolean;
  /** A connection to the server, on which nothing was said yet. */
  connect(): Socket;
  /** The URL of the same database by way of a port of this machine. */
  throughPort(port: number): string;
}

export function databaseServer(url: string): DatabaseServer {
  const { host, port, user, password, database, ssl } = new pg.Client(url);
  const query = new URLSearchParams(url.split('?')[1] ?? '');
  for (const name of ['host', 'port']) query.delete(name);
  const credentials = [user, password].map((each) => encodeURIComponent(each ?? '')).join(':');
  return {
    isEncrypted: ssl,
    connect: () => (host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)),
    throughPort: (other) => `postgres://${credentials}@127.0.0.1:${other}/${encodeURIComponent(database ?? '')}${query.size === 0 ? '' : `?${query.toString()}`}`,
  };
}
