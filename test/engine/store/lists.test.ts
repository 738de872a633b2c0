import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListedRun } from '../../../src/engine/core/run.ts';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { listFinishedRuns } from '../../../src/engine/operations/list-finished-runs.ts';
import { listRuns, type RunListFilter } from '../../../src/engine/operations/list-runs.ts';
import { retryRun } from '../../../src/engine/operations/retry-run.ts';
import { scheduleRun, scheduleRunsByAttempt } from '../../../src/engine/operations/schedule-run.ts';
import { cancelRun } from '../../../src/engine/operations/cancel-run.ts';
import { newId } from '../../../src/engine/protocol/new-id.ts';
import { alterRuns, noopTask, testStore, type TestStore } from '../../support/store.ts';

// A list has exactly the runs of its filter, whether they wait, run, have just ended or are listed: it is compared with a look at every run.

/** Something of everything, from three deployments; halfway, those that have ended are listed. */
async function filledStore(): Promise<{ readonly t: TestStore; readonly caller: string; readonly between: string }> {
  const t = await testStore();
  const schedule = (options: object): Promise<{ id: string }> =>
    scheduleRun(t.store, 'testing', { task: 'noop', ...options });
  const round = async (number: number): Promise<void> => {
    for (const queue of ['a', 'a', 'b', null])
      for (const task of ['noop', 'other']) await schedule({ task, ...(queue === null ? {} : { queue }) });
    await schedule({ key: 'one' });
    await schedule({ key: `of ${number}`, queue: 'b' });
    await schedule({ queue: 'last' });
    await schedule({ after: 3_600_000, queue: 'a' });
    for (const [place, run] of (await t.claim(7)).entries())
      if (place % 5 !== 4)
        await t.finish(run, (['returned', 'threw', 'returned', 'lost'] as const)[place % 4] ?? 'lost');
    // A last attempt.
    const [last] = await t.claim(1);
    assert.ok(last !== undefined);
    await t.finish({ ...last, attemptLimit: last.attempt }, 'exited');
  };
  await round(1);
  await schedule({});
  const { id: cancelled } = await schedule({ queue: 'a', key: 'given up' });
  await cancelRun(t.store, 'testing', cancelled);
  const [caller] = await t.claim(1);
  assert.ok(caller !== undefined);
  await scheduleRunsByAttempt(
    t.store,
    { runId: caller.id, fence: caller.fence, environment: 'testing' },
    ['a', null, null].map((queue) => ({
      id: newId(),
      task: 'noop',
      parametersJson: '{}',
      queue,
      key: null,
      at: null,
      afterMs: null,
    })),
  );
  await listFinishedRuns(t.store);
  const [middle] = await t.store.query<{ between: string }>({
    name: '',
    text: 'select cloudcode.iso(clock_timestamp()) as between, pg_sleep(0.002)',
  });
  assert.ok(middle !== undefined);
  for (const version of [2, 3]) {
    await deployProject(t.store, 'testing', {
      folder: '/nowhere',
      tasks: [
        { ...noopTask, code: `exports.run = async () => ${version}` },
        { ...noopTask, name: 'other' },
      ],
      config: {},
    });
    await round(version);
  }
  const [failed] = (await listRuns(t.store, 'testing', { state: 'failed', limit: 1 })).runs;
  assert.ok(failed !== undefined);
  await retryRun(t.store, 'testing', failed.id);
  // Their back-off must not end meanwhile.
  await alterRuns(t.store, "update cloudcode.runs set retry_at = now() + interval '1 hour' where retry_at is not null");
  return { t, caller: caller.id, between: middle.between };
}

async function listAll(t: TestStore, filter: RunListFilter): Promise<readonly ListedRun[]> {
  const all: ListedRun[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await listRuns(t.store, 'testing', { ...filter, cursor });
    all.push(...page.runs);
    if (page.nextCursor === null) return all;
    cursor = page.nextCursor;
  }
}

const states = [undefined, 'scheduled', 'queued', 'running', 'succeeded', 'failed', 'dead', 'cancelled'] as const;

test('a list has exactly the runs to which all of its filters apply, newest first, in pages of any size', async () => {
  const { t: store, caller, between } = await filledStore();
  await using t = store;
  const deployments = await t.store.query<{ run: string; id: string | null }>({
    name: '',
    text: `select id as run, deployment_id::text as id from cloudcode.runs where state <> 'queued'`,
  });
  const deploymentOf = new Map(deployments.map(({ run, id }) => [run, id]));
  const every = await listAll(t, { limit: 200 });
  assert.ok(every.length > 30);
  assert.equal(new Set(every.map(({ state }) => state)).size, 7, 'every state is there');
  const has = (run: ListedRun, filter: RunListFilter): boolean =>
    (filter.state === undefined || run.state === filter.state) &&
    (filter.task === undefined || run.task === filter.task) &&
    (filter.queue === undefined || run.queue === filter.queue) &&
    (filter.key === undefined || run.key === filter.key) &&
    (filter.scheduledBy === undefined || run.scheduledBy === filter.scheduledBy) &&
    (filter.deployment === undefined || deploymentOf.get(run.id) === filter.deployment) &&
    (filter.fingerprint === undefined || run.fingerprint === filter.fingerprint) &&
    (filter.since === undefined || run.createdAt >= filter.since) &&
    (filter.until === undefined || run.createdAt < filter.until);
  const ids = [...new Set(deployments.flatMap(({ id }) => (id === null ? [] : [id])))];
  assert.equal(ids.length, 3);
  const fingerprints = [...new Set(every.flatMap(({ fingerprint }) => (fingerprint === null ? [] : [fingerprint])))];
  assert.ok(fingerprints.length > 2, 'of two tasks, thrown and exited');
  const others: readonly RunListFilter[] = [
    {},
    { task: 'other' },
    { task: 'nothing' },
    { queue: 'a' },
    { queue: 'b', task: 'noop' },
    { queue: 'nothing' },
    { key: 'one' },
    { key: 'of 2', queue: 'b' },
    { key: 'nothing' },
    { scheduledBy: caller },
    { scheduledBy: caller, queue: 'a' },
    ...ids.map((deployment) => ({ deployment })),
    { deployment: ids[0], queue: 'a', task: 'noop' },
    { deployment: '999999' },
    ...fingerprints.map((fingerprint) => ({ fingerprint })),
    { fingerprint: fingerprints[0], queue: 'a' },
    { fingerprint: 'nothing' },
    { since: between },
    { until: between },
    { since: between, queue: 'a' },
    { until: between, task: 'noop' },
    { until: between, deployment: ids[0] },
    { since: between, until: between },
    { since: '2000-01-01T00:00:00.000Z', until: '2100-01-01T00:00:00.000Z' },
  ];
  for (const state of states) {
    for (const other of others) {
      const filter = { ...(state === undefined ? {} : { state }), ...other };
      const expected = every.filter((run) => has(run, filter)).map(({ id }) => id);
      for (const limit of [2, 200])
        assert.deepEqual(
          (await listAll(t, { ...filter, limit })).map(({ id }) => id),
          expected,
          JSON.stringify({ ...filter, limit }),
        );
    }
  }
});

test('what is listed and then retried is in the lists of where it is now, and of nothing else', async () => {
  await using t = await testStore();
  const { id } = await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' });
  for (const run of await t.claim()) await t.finish(run, 'threw');
  await listFinishedRuns(t.store);
  const listed = async (filter: RunListFilter): Promise<readonly string[]> =>
    (await listRuns(t.store, 'testing', filter)).runs.map((run) => run.id);
  assert.deepEqual(await listed({ state: 'failed', queue: 'q' }), [id]);
  await retryRun(t.store, 'testing', id);
  assert.deepEqual(await listed({ state: 'failed' }), []);
  assert.deepEqual(await listed({ queue: 'q', state: 'queued' }), [id]);
  for (const run of await t.claim()) await t.finish(run, 'returned');
  assert.deepEqual(await listed({ queue: 'q' }), [id], 'not listed again yet');
  await listFinishedRuns(t.store);
  assert.deepEqual(await listed({ queue: 'q' }), [id]);
  assert.deepEqual(await listed({ state: 'succeeded' }), [id]);
});

test('whoever retries a run while it is being listed waits, and it is listed no more', async () => {
  await using t = await testStore();
  const { id } = await scheduleRun(t.store, 'testing', { task: 'noop' });
  for (const run of await t.claim()) await t.finish(run, 'threw');
  let retried: Promise<unknown> = Promise.resolve();
  await t.store.transaction(async (db) => {
    await listFinishedRuns(db);
    retried = retryRun(t.store, 'testing', id);
    // Until it waits for the row of the ending.
    for (let waits = false; !waits;) {
      const [row] = await t.store.query<{ waits: boolean }>({
        name: '',
        text: `select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like '%retry_final_run%') as waits`,
      });
      waits = row?.waits === true;
    }
  });
  await retried;
  assert.deepEqual(await t.store.query({ name: '', text: 'select seq from cloudcode.listed' }), []);
  assert.equal((await listRuns(t.store, 'testing', { state: 'queued' })).runs.length, 1);
});

test('where no runner lists what has ended, whoever asks does it when there is much of it', async () => {
  await using t = await testStore();
  await Promise.all(Array.from({ length: 1_200 }, () => scheduleRun(t.store, 'testing', { task: 'noop' })));
  for (const run of await t.claim(1_200)) await t.finish(run, 'returned');
  assert.equal((await listRuns(t.store, 'testing', { state: 'succeeded', limit: 200 })).runs.length, 200);
  const [row] = await t.store.query<{ listed: number }>({
    name: '',
    text: 'select count(*)::integer as listed from cloudcode.listed',
  });
  assert.equal(row?.listed, 500, 'a statement of it: what is left is found quickly enough');
});
