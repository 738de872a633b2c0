import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cancelRun } from '../../../src/engine/operations/cancel-run.ts';
import { finishAttempts } from '../../../src/engine/operations/finish-attempt.ts';
import { pauseQueue, resumeQueue } from '../../../src/engine/operations/pause-queue.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { claimRuns } from '../../../src/engine/store/claim-runs.ts';
import { keepFacts } from '../../../src/engine/store/kept-facts.ts';
import type { Statement, Store } from '../../../src/engine/store/open-store.ts';
import { endOf, testStore } from '../../support/store.ts';

// Counts that are the same on every machine: statements, row versions and notifications.

/** A store that notes the statements it is asked for. */
function counted(store: Store): { readonly store: Store; readonly names: string[] } {
  const names: string[] = [];
  const query = <Row extends object>(statement: Statement): Promise<readonly Row[]> => {
    names.push(statement.name);
    return store.query<Row>(statement);
  };
  return { names, store: { ...store, query } };
}

test('a run costs three statements, or a hundredth of two of them among a hundred; what is the same for all runs of a task is read once', async () => {
  await using t = await testStore();
  const { store, names } = counted(t.store);
  const kept = keepFacts();
  await scheduleRun(store, 'testing', { task: 'noop', queue: 'q' });
  await finishAttempts(
    store,
    (await claimRuns(store, { runnerId: t.runnerId, limit: 100, after: 0 }, kept)).map((run) => endOf(run, 'returned')),
  );
  assert.deepEqual(names.splice(0), [
    'insert_run_in_queue',
    'claim_runs',
    'deployed_task',
    'environment_facts',
    'end_attempts_1',
  ]);
  for (let count = 0; count < 100; count += 1) await scheduleRun(t.store, 'testing', { task: 'noop' });
  const finished = await finishAttempts(
    store,
    (await claimRuns(store, { runnerId: t.runnerId, limit: 100, after: 0 }, kept)).map((run) => endOf(run, 'returned')),
  );
  assert.equal(finished.filter((next) => next === 'succeeded').length, 100);
  assert.deepEqual(names, ['claim_runs', 'end_attempts']);
});

interface Versions {
  readonly table: string;
  readonly inserted: number;
  readonly updated: number;
  /** Of the updates those that no index knows of. */
  readonly hot: number;
}

for (const queue of [null, 'q'] as const) {
  test(`a run ${queue === null ? 'in no queue' : 'that is alone in its queue'} has three row versions, its attempt included; the attempt before another one is a row`, async () => {
    await using t = await testStore();
    const versions = await t.store.transaction(async (db) => {
      const store = { ...t.store, query: db.query };
      const { id } = await scheduleRun(store, 'testing', { task: 'noop', ...(queue === null ? {} : { queue }) });
      const claimAndEnd = async (outcome: 'exited' | 'returned'): Promise<readonly Versions[]> => {
        for (const run of await claimRuns(store, { runnerId: t.runnerId, limit: 1, after: 0 }))
          await finishAttempts(store, [endOf(run, outcome)]);
        return db.query<Versions>({
          name: '',
          text: "select relname as table, n_tup_ins::integer as inserted, n_tup_upd::integer as updated, n_tup_hot_upd::integer as hot from pg_stat_xact_all_tables where relname in ('runs', 'past_attempts') and schemaname = 'cloudcode' order by 1 desc",
        });
      };
      const first = await claimAndEnd('exited');
      await db.query({ name: '', text: `update cloudcode.runs set retry_at = now() where id = '${id}'` });
      await db.query({ name: '', text: 'update cloudcode.ready set wake_at = now()' });
      return [...first, ...(await claimAndEnd('returned'))];
    });
    // The unique index of running runs knows of the claim and of the end in a queue.
    const isHot = queue === null;
    assert.deepEqual(versions, [
      { table: 'runs', inserted: 1, updated: 2, hot: isHot ? 2 : 0 },
      { table: 'past_attempts', inserted: 0, updated: 0, hot: 0 },
      { table: 'runs', inserted: 1, updated: 5, hot: isHot ? 5 : 1 },
      { table: 'past_attempts', inserted: 1, updated: 0, hot: 0 },
    ]);
  });
}

/** Counts what a listening session hears. */
async function countNotifications(url: string, meanwhile: () => Promise<unknown>): Promise<number> {
  const pg = await import('pg');
  const client = new pg.default.Client(url);
  await client.connect();
  try {
    let heard = 0;
    client.on('notification', () => (heard += 1));
    await client.query('listen cloudcode');
    await meanwhile();
    // What was sent before is heard before the answer to this.
    await client.query("select pg_notify('cloudcode', 'last')");
    return heard - 1;
  } finally {
    await client.end();
  }
}

test('a burst of 2,000 runs that nobody claims is told of once and then by the second, and to the last', async () => {
  await using t = await testStore();
  let left = 2000;
  let wakes = 0;
  t.store.onNotify(() => (wakes += 1));
  const began = performance.now();
  const heard = await countNotifications(t.store.url, async () => {
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        while (left-- > 0) await scheduleRun(t.store, 'testing', { task: 'noop' });
      }),
    );
    await t.store.close();
  });
  assert.equal(wakes, 2000, 'a runner of the same process hears each at once');
  const seconds = Math.ceil((performance.now() - began) / 1000);
  assert.ok(heard >= 2 && heard <= 2 + seconds, `${heard} notifications in ${seconds} s`);
});

test('runs that are scheduled in one transaction ring once', async () => {
  await using t = await testStore();
  const heard = await countNotifications(t.store.url, async () => {
    await t.store.query({
      name: '',
      text: `insert into cloudcode.runs (id, environment_id, task, parameters, due_at, max_attempts, attempt_limit) select gen_random_uuid(), ${t.environmentId}, 'noop', '{}', now(), 5, 5 from generate_series(1, 10000)`,
    });
    t.store.notify();
    await t.store.close();
  });
  assert.equal(heard, 1);
});

test('every change that may let a run start rings: a cancelled front, a resumed queue, an end in a queue; a plain success does not', async () => {
  await using t = await testStore();
  let rings = 0;
  t.store.onNotify(() => (rings += 1));
  const ringsOf = async (work: () => Promise<unknown>): Promise<number> => {
    rings = 0;
    await work();
    return rings;
  };
  const { id } = await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' });
  assert.equal(await ringsOf(() => cancelRun(t.store, 'testing', id)), 1);
  assert.equal(await ringsOf(() => pauseQueue(t.store, 'testing', 'q')), 0);
  assert.equal(await ringsOf(() => resumeQueue(t.store, 'testing', 'q')), 1);
  assert.equal(await ringsOf(() => scheduleRun(t.store, 'testing', { task: 'noop' })), 1);
  const finishAll = async (outcome: 'returned' | 'killed'): Promise<void> => {
    for (const run of await t.claim()) await t.finish(run, outcome);
  };
  assert.equal(await ringsOf(() => finishAll('killed')), 1);
  await scheduleRun(t.store, 'testing', { task: 'noop' });
  assert.equal(await ringsOf(() => finishAll('returned')), 0);
  await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' });
  assert.equal(await ringsOf(() => finishAll('returned')), 1);
});
