import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { it } from 'node:test';
import { createServer } from '../../src/http/create-server.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openStore } from '../../src/store/open-store.ts';
import { until } from '../support/runtime.ts';
import { testDatabaseUrl } from '../support/postgres.ts';

it('HTTP: while the database is away every answer is 503 with Retry-After and /health stays 200; then it works again', { timeout: 60_000 }, async () => {
  const database = await testDatabaseUrl();
  await using line = await openLine(database.url);
  const store = await openStore({ url: line.url });
  await migrate(store);
  const server = createServer({ store, project: { name: 'app', folder: '/nowhere' }, log: () => undefined });
  const ask = async (path: string, method: 'GET' | 'POST' = 'GET') => {
    const headers = { host: '127.0.0.1', 'content-type': 'application/json' };
    return server.inject({ method, url: path, headers, ...(method === 'POST' ? { payload: '{"task":"noop"}' } : {}) });
  };
  try {
    assert.equal((await ask('/ready')).statusCode, 200);
    line.cut();
    assert.equal((await ask('/health')).statusCode, 200);
    for (const [path, method] of [['/ready', 'GET'], ['/api/v1/environments/testing/runs', 'POST'], ['/api/v1/environments/testing/runs', 'GET'], ['/api/v1/environments/testing/queues', 'GET']] as const) {
      const answer = await ask(path, method);
      assert.equal(answer.statusCode, 503, `${path}: ${answer.body}`);
      assert.equal(answer.headers['retry-after'], '2');
      assert.equal(answer.json<{ code: string }>().code, 'database_unreachable');
    }
    line.mend();
    await until(10_000, 'it is ready again', async () => ((await ask('/ready')).statusCode === 200 ? true : null));
  } finally {
    await server.close();
    await store.close();
    await database.dispose();
  }
});

/** A TCP line to the database that can be cut. */
async function openLine(databaseUrl: string) {
  const sockets = new Set<Socket>();
  let isCut = false;
  const proxy = createTcpServer((socket) => {
    if (isCut) {
      socket.destroy();
      return;
    }
    const upstream = connectTo(databaseUrl);
    for (const [from, to] of [[socket, upstream], [upstream, socket]] as const) {
      sockets.add(from);
      from.on('error', () => undefined).on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: databaseUrl.replace(/@[^/]*\//, `@127.0.0.1:${port}/`).replace(/\?.*/, ''),
    cut,
    mend: () => {
      isCut = false;
    },
    async [Symbol.asyncDispose]() {
      cut();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}

/** The embedded server's URL names a socket's folder as its host, in the query. */
function connectTo(url: string): Socket {
  const query = new URLSearchParams(url.split('?')[1] ?? '');
  const folder = query.get('host');
  if (folder?.startsWith('/') === true) return connect({ path: `${folder}/.s.PGSQL.${query.get('port') ?? '5432'}` });
  const [, host = '127.0.0.1', port = '5432'] = /@([^:/]+)(?::(\d+))?\//.exec(url) ?? [];
  return connect({ host: folder ?? host, port: Number(query.get('port') ?? port) });
}
