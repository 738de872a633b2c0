import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import pg from 'pg';

export interface CuttingProxy extends AsyncDisposable {
  /** The database's URL, by way of the proxy. */
  readonly url: string;
  /** From now on as many answers that tell of a commit are lost, with their connections: the commit itself is not. */
  loseCommits(count: number): void;
  /** How many were lost. */
  readonly lost: () => number;
}

/** A PostgreSQL CommandComplete message for COMMIT. */
const committed = Buffer.from('COMMIT\0');

/** Stands between a client and its database, and cuts connections where a test wants it. */
export async function startCuttingProxy(databaseUrl: string): Promise<CuttingProxy> {
  const { host, port, user, password, database: name } = new pg.Client(databaseUrl);
  let toLose = 0;
  let lost = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const database = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        client.destroy();
        database.destroy();
      });
    }
    client.pipe(database);
    database.on('data', (answer) => {
      if (toLose > 0 && answer.includes(committed)) {
        toLose -= 1;
        lost += 1;
        client.destroy();
        return;
      }
      client.write(answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `postgres://${encodeURIComponent(user ?? '')}:${encodeURIComponent(password ?? '')}@${address}/${encodeURIComponent(name ?? '')}`,
    loseCommits: (count) => (toLose = count),
    lost: () => lost,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
