import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { dataTarget } from '../../../src/data/statements/target.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { writeData } from '../../support/write-data.ts';
import { startRunner } from '../../../src/engine/runner/start-runner.ts';
import { openStore, type Store } from '../../../src/engine/store/open-store.ts';
import { makePostgresServer } from '../../support/postgres-server.ts';
import { startRuntime, until } from '../../support/runtime.ts';
import { testStore } from '../../support/store.ts';

// What the store does not do yet: each test says what is in its way.

test('a run at the front that somebody has locked makes no runner spin', { timeout: 60_000 }, async () => {
  await using runtime = await startRuntime({ nothing: 'export async function run() {}' });
  await runtime.runner.stop();
  const { id } = await scheduleRun(runtime.store, 'testing', { task: 'nothing' });
  let claims = 0;
  const counting: Store = {
    ...runtime.store,
    query(statement) {
      if (statement.name.startsWith('claim_runs')) claims += 1;
      return runtime.store.query(statement);
    },
  };
  await using locking = await openStore({ url: runtime.url });
  await locking.transaction(async (db) => {
    await db.query({ name: '', text: 'select from cloudcode.runs where id = $1 for update', values: [id] });
    const runner = await startRunner({ store: counting, folder: runtime.folder });
    try {
      // A loaded machine does less meanwhile, not more.
      await delay(3000);
    } finally {
      await runner.stop();
    }
  });
  assert.ok(claims < 30, `${claims} claims in 3 s`);
});

test('20,000 runs in 20,000 queues are stored by one scheduleTasks', { timeout: 60_000 }, async () => {
  // What fills the locks of a server fills them for all its databases.
  await using server = makePostgresServer();
  await server.start();
  await using t = await testStore({}, server);
  const { id } = await scheduleRun(t.store, 'testing', { task: 'noop' });
  const [run] = await t.claim();
  assert.equal(run?.id, id);
  const runs = Array.from({ length: 20_000 }, (_, n) => ({
    id: randomUUID(),
    task: 'noop',
    parametersJson: '{}',
    at: null,
    afterMs: null,
    queue: `queue ${n}`,
    key: null,
  }));
  const parts = async function* () {
    for (let first = 0; first < runs.length; first += 1000)
      yield [{ do: 'schedule', runs: runs.slice(first, first + 1000) } as const];
  };
  const scope = {
    caller: { runId: id, fence: run.fence, environment: 'testing' },
    target: dataTarget('testing', null),
  };
  const told = await writeData(t.store, scope, { id: randomUUID(), parts: parts() }).then(
    () => null,
    (error: unknown) => error,
  );
  await until(20_000, 'the server has room for locks again', async () => {
    const rows = await t.store
      .query({
        name: '',
        text: "select from pg_locks l join pg_database d on d.oid = l.database where d.datname = current_database() and l.locktype = 'advisory' limit 1",
      })
      .catch(() => null);
    return rows?.length === 0 ? true : null;
  });
  assert.equal(told, null);
  assert.deepEqual(
    await t.store.query({
      name: '',
      text: "select count(*)::integer as count from cloudcode.runs where state = 'queued'",
    }),
    [{ count: 20_000 }],
  );
});
