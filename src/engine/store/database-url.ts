import { connect, type Socket } from 'node:net';
import pg from 'pg';
import { splitDatabaseUrl } from '../core/database-url.ts';
import { openServers } from './database-servers.ts';

/** The same server's other database. */
export function withDatabase(url: string, name: string): string {
  return joined({ ...splitDatabaseUrl(url), database: name });
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
  const { host, port, ssl } = new pg.Client(openServers(url).current().config());
  const parts = splitDatabaseUrl(url);
  const query = parts.query
    .split('&')
    .filter((item) => !/^(host|port)=/.test(item))
    .join('&');
  return {
    isEncrypted: ssl,
    connect: () => (host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)),
    throughPort: (other) => joined({ ...parts, hosts: `127.0.0.1:${other}`, query }),
  };
}

function joined({ scheme, credentials, hosts, database, query }: ReturnType<typeof splitDatabaseUrl>): string {
  return `${scheme}${credentials === null ? '' : `${credentials}@`}${hosts}/${database}${query === '' ? '' : `?${query}`}`;
}
