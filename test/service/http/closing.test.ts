import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createServer } from '../../../src/service/http/create-server.ts';
import { testStore } from '../../support/store.ts';
import { until } from '../../support/runtime.ts';

test(
  'a closing server finishes what it is answering: a run that was stored is never reported as not',
  { timeout: 60_000 },
  async () => {
    await using t = await testStore();
    const server = createServer({ store: t.store, project: { name: 'app', folder: '/nowhere' }, log: () => undefined });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    const held = Promise.withResolvers<undefined>();
    const locked = Promise.withResolvers<undefined>();
    const lock = t.store.transaction(async (db) => {
      await db.query({ name: '', text: 'lock table cloudcode.runs in exclusive mode' });
      locked.resolve(undefined);
      await held.promise;
    });
    await locked.promise;
    const answer = fetch(`${url}/api/v1/environments/testing/runs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"task":"noop"}',
    });
    await until(10_000, 'the request waits for the lock', async () => {
      const rows = await t.store.query({
        name: '',
        text: 'select 1 from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())',
      });
      return rows.length > 0 ? true : null;
    });
    const closed = server.close();
    held.resolve(undefined);
    assert.equal((await answer).status, 201);
    await Promise.all([closed, lock]);
  },
);

test('a closing server does not wait for a client that sends nothing', { timeout: 60_000 }, async () => {
  await using t = await testStore();
  const server = createServer({ store: t.store, project: { name: 'app', folder: '/nowhere' }, log: () => undefined });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const client = connect((server.server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  await once(client, 'connect');
  client.write(
    'POST /api/v1/environments/testing/runs HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
  );
  await until(
    5000,
    'the server has the connection',
    () =>
      new Promise<true | null>((resolve) =>
        server.server.getConnections((_error, count) => resolve(count > 0 ? true : null)),
      ),
  );
  const began = performance.now();
  await server.close();
  assert.ok(performance.now() - began < 15_000);
  client.destroy();
});
