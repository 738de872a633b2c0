import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listen } from '../../src/engine/runner/listen.ts';
import { openStore } from '../../src/engine/store/open-store.ts';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { until } from '../support/runtime.ts';
import { testStore } from '../support/store.ts';

const one = { name: 'one', text: 'select 1 as one' };

// All they do is wait for limits that are the product's own.
describe('connections that say nothing', { concurrency: true }, () => {
  test('a statement on a connection that has fallen silent fails within its limit, and the next one takes another connection', async () => {
    await using t = await testStore();
    await using proxy = await startCuttingProxy(t.store.url);
    await using store = await openStore({ url: proxy.url, maxConnections: 1, limitMs: 1000 });
    await store.query(one);
    proxy.freeze();
    await assert.rejects(store.query(one), { code: 'database_unreachable' });
    assert.equal((await store.query(one)).length, 1);
  });

  test('a store can be closed although nothing passes', async () => {
    await using t = await testStore();
    await using proxy = await startCuttingProxy(t.store.url);
    const store = await openStore({ url: proxy.url, limitMs: 1000 });
    await store.query(one);
    proxy.silence(true);
    await assert.rejects(store.query(one), { code: 'database_unreachable' });
    await store.close();
  });

  test('promise 2: a transaction whose client was cut off does not keep a queue standing', async () => {
    await using t = await testStore();
    await using proxy = await startCuttingProxy(t.store.url);
    await using cutOff = await openStore({ url: proxy.url, limitMs: 1000 });
    const lock = { name: '', text: 'select pg_advisory_xact_lock(4711)' };
    await assert.rejects(
      cutOff.transaction(async (db) => {
        await db.query(lock);
        proxy.silence(true);
        await db.query(one);
      }),
      { code: 'database_unreachable' },
    );
    // Nobody tells the server that the client is gone: it gives up by itself.
    assert.equal((await t.store.query(lock)).length, 1);
  });

  for (const [what, harm] of [
    ['has fallen silent', 'freeze'],
    ['has another session behind it', 'discardSessions'],
  ] as const) {
    test(`a runner hears again when the connection that it listens on ${what}`, async () => {
      await using t = await testStore();
      await using proxy = await startCuttingProxy(t.store.url);
      let heard = 0;
      await using listening = listen(proxy.url, t.runnerId, {
        claimable: () => (heard += 1),
        cancel: () => undefined,
        check: () => undefined,
        trouble: () => undefined,
      });
      assert.ok(listening);
      await until(5000, 'it listens', () => (heard > 0 ? true : null));
      await proxy[harm]();
      const before = heard;
      await until(20_000, 'it says itself that something may be claimable', () => (heard > before ? true : null));
      const since = heard;
      await t.store.query({ name: '', text: "select pg_notify('cloudcode', 'claimable 1')" });
      await until(5000, 'it is told', () => (heard > since ? true : null));
    });
  }

  test('a store goes on when a pooler has put other sessions behind its connections, which know nothing of what it prepared', async () => {
    await using t = await testStore();
    await using proxy = await startCuttingProxy(t.store.url);
    await using store = await openStore({ url: proxy.url, maxConnections: 1 });
    await store.query(one);
    await proxy.discardSessions();
    await store
      .query(one)
      .catch((error: unknown) => assert.equal((error as { code?: string }).code, 'database_unreachable'));
    assert.equal((await store.query(one)).length, 1);
  });
});
