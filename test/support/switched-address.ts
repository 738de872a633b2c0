import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** An address that leads to one server or another, as a virtual IP does. */
export interface SwitchedAddress extends AsyncDisposable {
  readonly port: number;
  /** Ends all connections; new ones lead there. null: new ones are ended at once. */
  pointTo(target: (() => Socket) | null): void;
}

export async function openSwitchedAddress(first: () => Socket): Promise<SwitchedAddress> {
  const sockets = new Set<Socket>();
  let target: (() => Socket) | null = first;
  const server = createServer((client) => {
    if (target === null) return void client.destroy();
    const database = target();
    for (const [from, to] of [
      [client, database],
      [database, client],
    ] as const) {
      sockets.add(from);
      from
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(from);
          to.destroy();
        });
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const pointTo = (given: (() => Socket) | null): void => {
    target = given;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    pointTo,
    async [Symbol.asyncDispose]() {
      pointTo(null);
      server.close();
      await once(server, 'close');
    },
  };
}
