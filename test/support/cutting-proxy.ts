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
  /**
   * Ends the connection of the next statement whose request holds this text: in the middle of its request, or after the statement was carried out and before its answer.
   * A prepared statement's name stands between two zero bytes.
   */
  cutAt(text: string, where: 'request' | 'answer'): void;
  /** Whether that has happened. */
  readonly hasCut: () => boolean;
  /** Lets nothing pass any more, in neither direction and on no connection, new ones included, or lets all pass again: as when packets are dropped. */
  silence(isSilent: boolean): void;
  /** Lets nothing pass any more on the connections there are. New ones work. */
  freeze(): void;
  /** Makes the server forget the sessions of the connections that are idle now, as a pooler does that puts other sessions behind them: what they prepared, and that they listen. */
  discardSessions(): Promise<void>;
}

/** A PostgreSQL CommandComplete message for COMMIT. */
const committed = Buffer.from('COMMIT\0');
/** A Query message. */
const discardAll = queryMessage('discard all');
/** The type of the message that ends every answer: ReadyForQuery, 6 bytes long. */
const ready = 'Z'.charCodeAt(0);

interface Connection {
  readonly client: Socket;
  readonly database: Socket;
  isFrozen: boolean;
  /** Its answer is to be lost. */
  isDoomed: boolean;
  /** Takes the server's answer in the client's place. */
  takeAnswer: ((answer: Buffer) => void) | null;
}

/** Stands between a client and its database, and does to connections what a test wants. */
export async function startCuttingProxy(databaseUrl: string): Promise<CuttingProxy> {
  const { host, port, user, password, database: name } = new pg.Client(databaseUrl);
  let toLose = 0;
  let lost = 0;
  let isSilent = false;
  let cut: { readonly text: string; readonly where: 'request' | 'answer'; hasCut: boolean } | null = null;
  const connections = new Set<Connection>();
  const settle = ({ client, database, isFrozen }: Connection): void => {
    for (const socket of [client, database])
      if (isSilent || isFrozen) socket.pause();
      else socket.resume();
  };
  const server = createServer((client) => {
    const database = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
    const connection: Connection = { client, database, isFrozen: false, isDoomed: false, takeAnswer: null };
    connections.add(connection);
    for (const socket of [client, database]) {
      socket.on('error', () => undefined);
      socket.once('close', () => {
        connections.delete(connection);
        client.destroy();
        // What was sent before goes on its way first.
        if (database.writableEnded) database.destroySoon();
        else database.destroy();
      });
    }
    client.on('data', (question) => {
      if (cut?.hasCut === false && question.includes(cut.text)) {
        cut.hasCut = true;
        if (cut.where === 'request') {
          database.end(question.subarray(0, question.length / 2));
          client.destroy();
          return;
        }
        connection.isDoomed = true;
      }
      database.write(question);
    });
    database.on('data', (answer) => {
      if (connection.isDoomed) {
        if (answer.at(-6) === ready) client.destroy();
        return;
      }
      if (connection.takeAnswer !== null) return connection.takeAnswer(answer);
      if (toLose > 0 && answer.includes(committed)) {
        toLose -= 1;
        lost += 1;
        client.destroy();
        return;
      }
      client.write(answer);
    });
    settle(connection);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `postgres://${encodeURIComponent(user ?? '')}:${encodeURIComponent(password ?? '')}@${address}/${encodeURIComponent(name ?? '')}`,
    loseCommits: (count) => (toLose = count),
    lost: () => lost,
    cutAt: (text, where) => (cut = { text, where, hasCut: false }),
    hasCut: () => cut?.hasCut === true,
    silence(silent) {
      isSilent = silent;
      for (const connection of connections) settle(connection);
    },
    freeze() {
      for (const connection of connections) {
        connection.isFrozen = true;
        settle(connection);
      }
    },
    async discardSessions() {
      await Promise.all([...connections].map(discardSession));
    },
    async [Symbol.asyncDispose]() {
      for (const { client, database } of connections) {
        client.destroy();
        database.destroy();
      }
      server.close();
      await once(server, 'close');
    },
  };
}

async function discardSession(connection: Connection): Promise<void> {
  await new Promise<void>((resolve) => {
    connection.takeAnswer = (answer) => {
      if (answer.at(-6) === ready) resolve();
    };
    connection.database.write(discardAll);
  });
  connection.takeAnswer = null;
}

function queryMessage(text: string): Buffer {
  const message = Buffer.alloc(text.length + 6);
  message.write('Q');
  message.writeInt32BE(text.length + 5, 1);
  message.write(text, 5);
  return message;
}
