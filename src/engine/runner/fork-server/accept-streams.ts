import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/** What a worker sends first on each of its connections: its id, and the number of the descriptor that it is there. */
const headBytes = 37;
const idBytes = 36;

export interface StreamListener {
  /** In the abstract namespace of the machine's Unix sockets. */
  readonly name: string;
  close(): void;
}

/** Listens for the connections of forked workers. Who does not know the id of one that is starting gets nothing. */
export async function acceptStreams(
  onStream: (workerId: string, stream: number, socket: Socket) => boolean,
): Promise<StreamListener> {
  const name = `cloudcode-${randomUUID()}`;
  const server = createServer((socket) => {
    socket.on('error', () => undefined); // 'close' follows
    const look = (): void => {
      const head = socket.read(headBytes) as Buffer | null;
      if (head === null) return;
      socket.off('readable', look);
      const stream = head.readUInt8(idBytes) - 0x30;
      if (!onStream(head.toString('latin1', 0, idBytes), stream, socket)) socket.destroy();
    };
    socket.on('readable', look);
  });
  server.on('error', () => undefined); // a connection that could not be accepted: its worker is not started in time
  server.listen({ path: `\0${name}` });
  await once(server, 'listening');
  server.unref();
  return { name, close: () => void server.close() };
}
