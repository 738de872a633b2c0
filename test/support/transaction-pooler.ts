import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** A connection pooler that gives each transaction a session of the server: the one that was used last and is free, or the one that was used first. */
export interface TransactionPooler extends AsyncDisposable {
  readonly port: number;
}

interface Backend {
  readonly socket: Socket;
  client: Client | null;
}

interface Client {
  readonly socket: Socket;
  backend: Backend | null;
  /** Messages that wait for a session. */
  readonly waiting: Buffer[];
  /** Queries and syncs that the server has not answered with "ready" yet. */
  pending: number;
}

/** Each client brings a session along: its own handshake, relayed, makes it. */
export async function startTransactionPooler(
  connect: () => Socket,
  order: 'last' | 'first',
): Promise<TransactionPooler> {
  const sockets = new Set<Socket>();
  const free: Backend[] = [];
  const clients = new Set<Client>();

  const send = (client: Client, message: Buffer): void => {
    client.backend ??= take(client);
    if (client.backend === null) return void client.waiting.push(message);
    if (message[0] === 'Q'.charCodeAt(0) || message[0] === 'S'.charCodeAt(0)) client.pending += 1;
    client.backend.socket.write(message);
  };
  const take = (client: Client): Backend | null => {
    const backend = (order === 'last' ? free.pop() : free.shift()) ?? null;
    if (backend !== null) backend.client = client;
    return backend;
  };
  const giveBack = (backend: Backend): void => {
    if (backend.client !== null) backend.client.backend = null;
    backend.client = null;
    free.push(backend);
    for (const client of clients) {
      for (const message of client.waiting.splice(0)) send(client, message);
    }
  };
  const fromServer = (backend: Backend, message: Buffer): void => {
    const { client } = backend;
    client?.socket.write(message);
    if (message[0] !== 'Z'.charCodeAt(0) || client === null) return;
    client.pending = Math.max(0, client.pending - 1);
    if (client.pending === 0 && message[5] === 'I'.charCodeAt(0)) giveBack(backend);
  };
  const server = createServer((socket) => {
    const backend: Backend = { socket: connect(), client: null };
    const client: Client = { socket, backend, waiting: [], pending: 0 };
    backend.client = client;
    clients.add(client);
    for (const each of [socket, backend.socket]) {
      sockets.add(each);
      each.on('error', () => undefined);
    }
    socket.on('close', () => clients.delete(client));
    // The first message has no type.
    readMessages(socket, 0, (message) => {
      if (message[0] !== 'X'.charCodeAt(0)) send(client, message);
    });
    readMessages(backend.socket, 1, (message) => fromServer(backend, message));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** @param firstType bytes of the first message's type; one in all that follow */
function readMessages(socket: Socket, firstType: 0 | 1, onMessage: (message: Buffer) => void): void {
  let rest = Buffer.alloc(0);
  let typeBytes: number = firstType;
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= typeBytes + 4) {
      const length = typeBytes + rest.readInt32BE(typeBytes);
      if (rest.length < length) return;
      const message = rest.subarray(0, length);
      rest = rest.subarray(length);
      typeBytes = 1;
      onMessage(message);
    }
  });
}
