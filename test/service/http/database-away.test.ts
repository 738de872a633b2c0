import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createServer } from '../../../src/service/http/create-server.ts';
import { migrate } from '../../../src/engine/store/migrate.ts';
import { databaseServer } from '../../../src/engine/store/database-url.ts';
import { openStore } from '../../../src/engine/store/open-store.ts';
import { until } from '../../support/runtime.ts';
import { testDatabaseUrl } from '../../support/postgres.ts';
import { openSwitchedAddress } from '../../support/switched-address.ts';

it(
  'HTTP: while the database is away every answer is 503 with Retry-After and /health stays 200; then it works again',
  { timeout: 60_000 },
  async () => {
    const database = await testDatabaseUrl();
    const { connect, throughPort } = databaseServer(database.url);
    await using address = await openSwitchedAddress(connect);
    const store = await openStore({ url: throughPort(address.port) });
    await migrate(store);
    const server = createServer({ store, project: { name: 'app', folder: '/nowhere' }, log: () => undefined });
    const ask = async (path: string, method: 'GET' | 'POST' = 'GET') => {
      const headers = { host: '127.0.0.1', 'content-type': 'application/json' };
      return server.inject({
        method,
        url: path,
        headers,
        ...(method === 'POST' ? { payload: '{"task":"noop"}' } : {}),
      });
    };
    try {
      assert.equal((await ask('/ready')).statusCode, 200);
      address.pointTo(null);
      assert.equal((await ask('/health')).statusCode, 200);
      for (const [path, method] of [
        ['/ready', 'GET'],
        ['/api/v1/environments/testing/runs', 'POST'],
        ['/api/v1/environments/testing/runs', 'GET'],
        ['/api/v1/environments/testing/queues', 'GET'],
      ] as const) {
        const answer = await ask(path, method);
        assert.equal(answer.statusCode, 503, `${path}: ${answer.body}`);
        assert.equal(answer.headers['retry-after'], '2');
        assert.equal(answer.json<{ code: string }>().code, 'database_unreachable');
      }
      address.pointTo(connect);
      await until(10_000, 'it is ready again', async () => ((await ask('/ready')).statusCode === 200 ? true : null));
    } finally {
      await server.close();
      await store.close();
      await database.dispose();
    }
  },
);
