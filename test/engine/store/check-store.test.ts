import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { checkStoreByTheHour, rebuildStore } from '../../../src/engine/operations/check-store.ts';
import { listFinishedRuns } from '../../../src/engine/operations/list-finished-runs.ts';
import { pauseQueue } from '../../../src/engine/operations/pause-queue.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import type { RunnerEvent } from '../../../src/engine/runner/events.ts';
import { startRunner } from '../../../src/engine/runner/start-runner.ts';
import { checkStore } from '../../../src/engine/store/check-store.ts';
import { claimRuns } from '../../../src/engine/store/claim-runs.ts';
import { deleteEndedClaims, endLease, readLostAttempts, takeLease } from '../../../src/engine/store/runners.ts';
import { startRuntime, until } from '../../support/runtime.ts';
import { testStore, type TestStore } from '../../support/store.ts';

// What can be claimed is derived from the runs: whatever is wrong there is found, and mended, and costs its own run at most.

const sql = (t: Pick<TestStore, 'store'>, text: string): Promise<readonly object[]> =>
  t.store.query({ name: '', text });

/** A store in which something of everything is: running, waiting in a queue and in none, in back-off, paused, and finished in each way. */
async function filledStore(): Promise<TestStore> {
  const t = await testStore({ skips: { onRetry: 'skip' } });
  const schedule = (queue: string | null, count = 1) =>
    Promise.all(
      Array.from({ length: count }, () =>
        scheduleRun(t.store, 'testing', { task: 'noop', ...(queue === null ? {} : { queue }) }),
      ),
    );
  await schedule(null, 3);
  await schedule('ends', 2);
  await schedule('retried', 2);
  for (const [place, run] of (await t.claim()).entries())
    await t.finish(run, run.queue === 'retried' ? 'lost' : place === 0 ? 'threw' : 'returned');
  await listFinishedRuns(t.store);
  for (const run of await t.claim()) await t.finish(run, 'returned');
  await schedule('busy', 3);
  assert.deepEqual(
    (await t.claim()).map(({ queue }) => queue),
    ['busy'],
  );
  await schedule(null, 2);
  await schedule('waits', 3);
  await schedule('skips', 2);
  await schedule('paused', 2);
  await pauseQueue(t.store, 'testing', 'paused');
  assert.deepEqual(await checkStore(t.store), []);
  return t;
}

const wrongLists = 'lists are not as the finished runs';

/** How the store is then damaged, and what of it is found. */
const damages: Readonly<Record<string, { readonly by: string; readonly finds: string }>> = {
  'a run in no queue is not entered': {
    by: 'delete from cloudcode.ready where queue is null',
    finds: 'a waiting run is not entered',
  },
  'a front is not entered': {
    by: "delete from cloudcode.ready where queue = 'waits'",
    finds: 'a waiting run is not entered',
  },
  'a run behind the front is not entered': {
    by: "delete from cloudcode.backlog where queue = 'waits'",
    finds: 'a waiting run is not entered',
  },
  'a run is entered twice': {
    by: 'insert into cloudcode.ready select * from cloudcode.ready where queue is null',
    finds: 'a waiting run is entered twice',
  },
  'a run is ready and in the backlog': {
    by: "insert into cloudcode.backlog (environment_id, queue, due_at, seq, wake_at, run_id) select environment_id, queue, due_at, seq, wake_at, run_id from cloudcode.ready where queue = 'waits'",
    finds: 'a waiting run is entered twice',
  },
  'a run that there is not is entered': {
    by: 'insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at) select environment_id, now(), 0, gen_random_uuid(), now() from cloudcode.ready limit 1',
    finds: 'what is entered is not as its run',
  },
  'a finished run is entered': {
    by: "insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at) select environment_id, wake_at, seq, id, due_at from cloudcode.runs where state = 'succeeded' limit 1",
    finds: 'what is entered is not as its run',
  },
  'a run is entered with another time': {
    by: "update cloudcode.ready set wake_at = wake_at + interval '1 day'",
    finds: 'what is entered is not as its run',
  },
  'a queue of which a run is running has a front': {
    by: "insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at, queue) select environment_id, wake_at, seq, run_id, due_at, queue from cloudcode.backlog where queue = 'busy' limit 1; delete from cloudcode.backlog where run_id in (select run_id from cloudcode.ready)",
    finds: 'a front of a queue of which a run is running',
  },
  'a paused queue has a front': {
    by: "update cloudcode.queues set paused = true where name = 'skips'; insert into cloudcode.queues (environment_id, name, paused) select environment_id, 'waits', true from cloudcode.queues limit 1",
    finds: 'a front of a queue that is paused',
  },
  'a queue has no front': {
    by: "insert into cloudcode.backlog (environment_id, queue, due_at, seq, wake_at, run_id) select environment_id, queue, due_at, seq, wake_at, run_id from cloudcode.ready where queue = 'waits'; delete from cloudcode.ready where queue = 'waits'",
    finds: 'a queue without a front',
  },
  'the front is not the first': {
    by: "with front as (delete from cloudcode.ready where queue = 'waits' returning *), last as (delete from cloudcode.backlog where seq = (select max(seq) from cloudcode.backlog where queue = 'waits') returning *), back as (insert into cloudcode.backlog (environment_id, queue, due_at, seq, wake_at, run_id) select environment_id, queue, due_at, seq, wake_at, run_id from front) insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at, queue) select environment_id, wake_at, seq, run_id, due_at, queue from last where (select count(*) from front) = 1",
    finds: 'a front that is not the first',
  },
  'a running run is of no claim': { by: 'delete from cloudcode.claims', finds: 'a running run of no claim' },
  'a finished run is of no ending': { by: 'delete from cloudcode.endings', finds: 'a finished run of no ending' },
  'an ending is of a run that did not finish then': {
    by: "update cloudcode.endings set at = at - interval '1 hour'",
    finds: 'an ending of a run that did not finish then',
  },
  'a finished run is not listed': { by: 'delete from cloudcode.listed', finds: wrongLists },
  'a finished run is listed twice': {
    by: 'insert into cloudcode.listed select * from cloudcode.listed',
    finds: wrongLists,
  },
  'a finished run is listed with another state': {
    by: "update cloudcode.listed set state = 'dead'",
    finds: wrongLists,
  },
  'a finished run is listed with another deployment': {
    by: 'update cloudcode.listed set deployment_id = null',
    finds: wrongLists,
  },
  'a run that there is not is listed': {
    by: "insert into cloudcode.listed (environment_id, seq, state, task) select environment_id, 999999, 'failed', 'noop' from cloudcode.listed limit 1",
    finds: wrongLists,
  },
  'a run is listed whose ending is not': { by: 'update cloudcode.endings set listed = false', finds: wrongLists },
  'an ending is listed whose runs are not': { by: 'update cloudcode.endings set listed = true', finds: wrongLists },
  'nothing is entered': {
    by: 'truncate cloudcode.ready, cloudcode.backlog, cloudcode.claims, cloudcode.endings, cloudcode.listed',
    finds: 'a waiting run is not entered',
  },
};

for (const [what, { by, finds }] of Object.entries(damages)) {
  test(`what can be claimed is mended: ${what}`, async () => {
    await using t = await filledStore();
    await sql(t, by);
    const found = await rebuildStore(t.store);
    assert.ok(
      found.some(({ problem }) => problem === finds),
      JSON.stringify(found),
    );
    assert.deepEqual(await checkStore(t.store), []);
    let done = 0;
    for (let runs = await t.claim(); runs.length > 0; runs = await t.claim())
      for (const run of runs) {
        await t.finish(run, 'returned');
        done += 1;
      }
    // The two in no queue, three of `waits` and two of `skips`: nothing of the queue that is busy, in back-off, or paused.
    assert.equal(done, by.includes('paused = true') ? 2 : 7);
  });
}

test('a row of no waiting run is dropped by the claim that meets it, and the others of the claim are claimed', async () => {
  await using runtime = await startRuntime({ work: 'export async function run() { return 1; }' });
  await runtime.runner.stop();
  const runs = await Promise.all([1, 2, 3].map(() => scheduleRun(runtime.store, 'testing', { task: 'work' })));
  await sql(
    runtime,
    'insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at) select environment_id, wake_at, seq, gen_random_uuid(), due_at from cloudcode.ready',
  );
  await sql(
    runtime,
    `insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at, queue) select environment_id, wake_at, seq, '${randomUUID()}', due_at, 'none' from cloudcode.ready limit 1`,
  );
  const events: RunnerEvent[] = [];
  const runner = await startRunner({
    store: runtime.store,
    folder: runtime.folder,
    onEvent: (event) => void events.push(event),
  });
  try {
    await until(20_000, 'all have succeeded', async () => {
      const rows = await sql(runtime, "select id from cloudcode.runs where state = 'succeeded'");
      return rows.length === runs.length ? true : null;
    });
    await until(5_000, 'it is told', () => (events.some(({ kind }) => kind === 'store_mended') ? true : null));
    assert.deepEqual(await checkStore(runtime.store), []);
  } finally {
    await runner.stop();
  }
});

test('promise 1: a front of a queue of which a run is running is not claimed, and goes back behind it; the others are claimed', async () => {
  await using runtime = await startRuntime({ work: 'export async function run() { return 1; }' });
  await runtime.runner.stop();
  await using t = await testStore();
  for (const queue of ['q', 'q', 'other']) await scheduleRun(t.store, 'testing', { task: 'noop', queue });
  const [first] = await t.claim(1);
  assert.equal(first?.queue, 'q');
  await sql(
    t,
    "insert into cloudcode.ready (environment_id, wake_at, seq, run_id, due_at, queue) select environment_id, wake_at, seq, run_id, due_at, queue from cloudcode.backlog where queue = 'q'; delete from cloudcode.backlog where queue = 'q'",
  );
  const { openClaimer } = await import('../../../src/engine/runner/claim-due.ts');
  const { mendWrongRows } = await import('../../../src/engine/operations/check-store.ts');
  const claimed: string[] = [];
  const claimer = openClaimer({
    store: t.store,
    runnerId: t.runnerId,
    free: () => 10,
    onClaimed: (run) => void claimed.push(run.queue ?? ''),
    onFree: () => undefined,
    onWrong: (wrong) => mendWrongRows(t.store, wrong),
  });
  assert.equal(await claimer.claim(10), 1);
  assert.deepEqual(claimed, ['other']);
  await t.finish(first, 'returned');
  assert.equal(await claimer.claim(10), 1);
  assert.deepEqual(claimed, ['other', 'q']);
});

test('what a runner has claimed is forgotten when nothing of it runs any more, and what a dead one has claimed when it was taken back', async () => {
  await using t = await testStore();
  for (let number = 0; number < 4; number += 1) await scheduleRun(t.store, 'testing', { task: 'noop' });
  const claims = async (): Promise<number> => {
    await deleteEndedClaims(t.store, t.runnerId);
    return (await sql(t, 'select 1 from cloudcode.claims')).length;
  };
  const [first, second] = await t.claim(2);
  const [third] = await t.claim(1);
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  assert.equal(await claims(), 2);
  await t.finish(first, 'returned');
  assert.equal(await claims(), 2, 'one of two is running');
  await t.finish(third, 'returned');
  assert.equal(await claims(), 1);
  const dead = randomUUID();
  await takeLease(t.store, { id: dead, host: 'other', pid: 1, processIdentity: null, leaseMs: 60_000 });
  const [lost] = await claimRuns(t.store, { runnerId: dead, limit: 1, after: 0 });
  assert.ok(lost !== undefined);
  await endLease(t.store, dead);
  assert.equal(await claims(), 2, 'it is found by them');
  assert.deepEqual(
    (await readLostAttempts(t.store, 10)).map(({ id }) => id),
    [lost.id],
  );
  await t.finish(lost, 'lost');
  await t.finish(second, 'returned');
  assert.equal(await claims(), 0);
});

const goingOn = (): AbortSignal => new AbortController().signal;

test('the store is checked by one runner in an hour', async () => {
  await using t = await filledStore();
  await sql(t, 'truncate cloudcode.claims');
  assert.equal(await checkStoreByTheHour(t.store, goingOn()), null, 'it was just made');
  await sql(t, "update cloudcode.store_checks set checked_at = now() - interval '1 hour'");
  const found = await Promise.all([checkStoreByTheHour(t.store, goingOn()), checkStoreByTheHour(t.store, goingOn())]);
  assert.deepEqual(found.flatMap((check) => check?.wrong ?? []).length, 1);
  assert.equal(found.filter((check) => check === null).length, 1);
  const done = found.find((check) => check !== null);
  assert.ok((done?.tookMs ?? 0) > 0);
});

test(
  'a runner that stops does not wait for the check: its statement is ended, and another does it',
  { timeout: 60_000 },
  async () => {
    await using t = await filledStore();
    await sql(t, 'truncate cloudcode.claims');
    await sql(t, "update cloudcode.store_checks set checked_at = now() - interval '1 hour'");
    const stopping = new AbortController();
    await t.store.transaction(async (db) => {
      // It waits for this as it would for a disk that reads a million runs.
      await db.query({ name: '', text: 'lock table cloudcode.runs in access exclusive mode' });
      const check = checkStoreByTheHour(t.store, stopping.signal);
      await until(20_000, 'it waits', async () => {
        const text = `select 1 from pg_stat_activity where query like '%cloudcode.check_store()%' and wait_event_type = 'Lock'`;
        return (await t.store.query({ name: '', text }))[0] ?? null;
      });
      stopping.abort();
      assert.equal(await check, null);
    });
    const check = await checkStoreByTheHour(t.store, goingOn());
    assert.equal(check?.wrong.length, 1);
  },
);

test('what is mended while others work is as the runs are', { timeout: 60_000 }, async () => {
  await using t = await testStore();
  for (let number = 0; number < 300; number += 1)
    await scheduleRun(t.store, 'testing', { task: 'noop', ...(number % 2 === 0 ? { queue: `q${number % 20}` } : {}) });
  let isOver = false;
  let ended = 0;
  const work = async (): Promise<void> => {
    while (!isOver) {
      for (const run of await t.claim(5)) {
        await t.finish(run, 'returned');
        ended += 1;
      }
    }
  };
  const damage = async (): Promise<void> => {
    for (let round = 0; round < 8; round += 1) {
      await sql(t, 'delete from cloudcode.ready where seq % 3 = 0; delete from cloudcode.backlog where seq % 3 = 1');
      await rebuildStore(t.store);
    }
    await until(30_000, 'all have ended', () => (ended === 300 ? true : null));
    isOver = true;
  };
  await Promise.all([work(), work(), damage()]);
  assert.deepEqual(await checkStore(t.store), []);
});
