import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { httpBackend } from '../../src/client/http-backend.ts';
import { createServer } from '../../src/service/http/create-server.ts';
import { runs } from '../../src/service/api/runs.ts';
import { testStore } from '../support/store.ts';

/** Stands before a server, and cuts the connections of the first answers when they come. */
async function startAnswerCutter(
  port: number,
  answers: number,
): Promise<{ readonly url: string; readonly lost: () => number; close(): Promise<void> }> {
  let lost = 0;
  const open = new Set<Socket>();
  const cutter = createTcpServer((client) => {
    const server = connect(port, '127.0.0.1');
    for (const socket of [client, server]) open.add(socket.on('error', () => undefined));
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
    client.on('data', (piece) => server.write(piece));
    server.on('data', (piece) => {
      if (lost === answers) return client.write(piece);
      lost += 1;
      return client.resetAndDestroy();
    });
  });
  cutter.listen(0, '127.0.0.1');
  await once(cutter, 'listening');
  return {
    url: `http://127.0.0.1:${(cutter.address() as AddressInfo).port}`,
    lost: () => lost,
    async close() {
      for (const socket of open) socket.destroy();
      cutter.close();
      await once(cutter, 'close');
    },
  };
}

for (const answers of [1, 3]) {
  test(`a client whose answer is lost ${answers} times asks again, and what it asks for is made once`, async () => {
    await using t = await testStore();
    const server = createServer({ store: t.store, project: { name: 'app', folder: '/nowhere' }, log: () => undefined });
    const port = Number(new URL(await server.listen({ host: '127.0.0.1', port: 0 })).port);
    const cutter = await startAnswerCutter(port, answers);
    try {
      const backend = httpBackend({ url: cutter.url, environment: 'testing' });
      const { answer, isNew } = await backend.send(runs.schedule, { body: { task: 'noop', queue: 'q' } });
      assert.deepEqual([cutter.lost(), isNew], [answers, true]);
      const { runs: listed } = await backend.call(runs.list, {});
      assert.deepEqual(
        listed.map(({ id }) => id),
        [answer.id],
      );
    } finally {
      await cutter.close();
      await server.close();
    }
  });
}

test('a client of a server that is not there says so at once', async () => {
  const nobody = createTcpServer().listen(0, '127.0.0.1');
  await once(nobody, 'listening');
  const { port } = nobody.address() as AddressInfo;
  nobody.close();
  await once(nobody, 'close');
  const backend = httpBackend({ url: `http://127.0.0.1:${port}`, environment: 'testing' });
  await assert.rejects(backend.send(runs.schedule, { body: { task: 'noop' } }), {
    code: 'server_unreachable',
    message: /ECONNREFUSED/,
  });
});
