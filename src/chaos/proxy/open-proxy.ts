import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { backendPidIn, isReadyAgain, names } from './read-protocol.ts';

/** Stands between one runner and the database, and does to their connections what a campaign wants. */
export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Ends all connections. New ones are let through. */
  cut(): void;
  /** From now on everything is passed on this much later; 0: at once. */
  slowDown(delayMs: number): void;
  /** From now on nothing is passed on, and nobody is told. `false` ends the connections: what they have swallowed is lost. */
  swallow(isSwallowing: boolean): void;
  /** The answers to the next `count` of these statements are lost, with their connections. The statements themselves reach the database. */
  loseAnswers(statements: readonly string[], count: number): void;
  /** How many answers were lost since the start. */
  readonly lost: () => number;
  /** The server's processes behind the connections. */
  readonly backendPids: () => readonly number[];
}

interface Pair {
  readonly client: Socket;
  readonly database: Socket;
  backendPid: number | null;
  /** Its answer is waited for, to be thrown away. */
  isDoomed: boolean;
}

/** @param connect opens a connection to the database */
export async function openProxy(connect: () => Socket): Promise<Proxy> {
  const pairs = new Set<Pair>();
  let delayMs = 0;
  let isSwallowing = false;
  let losing: readonly string[] = [];
  let toLose = 0;
  let lost = 0;

  const end = (pair: Pair): void => {
    pairs.delete(pair);
    pair.client.destroy();
    pair.database.destroy();
  };
  const cut = (): void => pairs.forEach(end);
  const pass = (pair: Pair, to: Socket, bytes: Buffer): void => {
    if (isSwallowing) return;
    // Timers of one length keep their order, but a delay that shrinks would let later bytes overtake: they all wait until it has passed.
    if (delayMs === 0 && to.writableLength === 0 && !delayed.has(to)) return void to.write(bytes);
    hold(pair, to, bytes);
  };
  const delayed = new Map<Socket, { readonly at: number; readonly bytes: Buffer }[]>();
  const hold = (pair: Pair, to: Socket, bytes: Buffer): void => {
    const line = delayed.get(to) ?? [];
    if (line.length === 0) delayed.set(to, line);
    line.push({ at: performance.now() + delayMs, bytes });
    if (line.length === 1) setTimeout(() => release(pair, to), delayMs);
  };
  const release = (pair: Pair, to: Socket): void => {
    const line = delayed.get(to) ?? [];
    for (let first = line[0]; first !== undefined && first.at <= performance.now() + 1; first = line[0]) {
      line.shift();
      if (pairs.has(pair) && !isSwallowing) to.write(first.bytes);
    }
    if (line[0] === undefined) delayed.delete(to);
    else setTimeout(() => release(pair, to), Math.max(1, line[0].at - performance.now()));
  };

  const server = createServer((client) => {
    const pair: Pair = { client, database: connect(), backendPid: null, isDoomed: false };
    pairs.add(pair);
    for (const socket of [client, pair.database]) {
      socket.on('error', () => undefined);
      socket.once('close', () => end(pair));
    }
    client.on('data', (request: Buffer) => {
      if (toLose > 0 && !pair.isDoomed && names(request, losing)) {
        toLose -= 1;
        pair.isDoomed = true;
      }
      pass(pair, pair.database, request);
    });
    pair.database.on('data', (answer: Buffer) => {
      pair.backendPid ??= backendPidIn(answer);
      if (!pair.isDoomed) return pass(pair, client, answer);
      if (!isReadyAgain(answer)) return;
      lost += 1;
      end(pair);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    slowDown: (by) => (delayMs = by),
    swallow(given) {
      isSwallowing = given;
      if (!given) cut();
    },
    loseAnswers(statements, count) {
      losing = statements;
      toLose = count;
    },
    lost: () => lost,
    backendPids: () => [...pairs].flatMap(({ backendPid }) => (backendPid === null ? [] : [backendPid])),
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
