import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testStore } from '../../support/store.ts';

for (const [moment, statement] of [
  ['between two statements', 'select 1'],
  ['during a statement', 'select pg_sleep(20)'],
] as const) {
  test(`a connection that is lost ${moment} of a transaction is an error of that transaction, and of nothing else`, async () => {
    await using t = await testStore();
    let ending: Promise<unknown> = Promise.resolve();
    const losing = t.store.transaction(async (db) => {
      const [session] = await db.query<{ pid: number }>({ name: '', text: 'select pg_backend_pid() as pid' });
      // Waits until the session is over.
      ending = t.store.query({ name: '', text: `select pg_terminate_backend(${session?.pid ?? 0}, 10000)` });
      await db.query({ name: '', text: statement }).catch(() => undefined);
      await ending;
      await db.query({ name: '', text: 'select 1' });
    });
    await assert.rejects(losing, { code: 'database_unreachable' });
    await ending;
    assert.equal((await t.store.query({ name: '', text: 'select 1 as one' })).length, 1);
  });
}
