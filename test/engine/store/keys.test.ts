import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { cancelRun } from '../../../src/engine/operations/cancel-run.ts';
import { retryRun } from '../../../src/engine/operations/retry-run.ts';
import { findOrScheduleRun, scheduleRun, scheduleRunsByAttempt } from '../../../src/engine/operations/schedule-run.ts';
import { testStore, type TestStore } from '../../support/store.ts';

const request = (given: Record<string, unknown>) => ({
  id: randomUUID(),
  task: 'noop',
  parametersJson: '{}',
  at: null,
  afterMs: null,
  queue: null,
  key: null,
  ...given,
});

async function caller(t: TestStore) {
  const { id } = await scheduleRun(t.store, 'testing', { task: 'other' });
  const run = (await t.claim()).find((claimed) => claimed.id === id);
  assert.ok(run !== undefined);
  return { run, as: { runId: id, fence: run.fence, environment: 'testing' } };
}

test('a key: while a run of the task with it is unfinished, asking again gives that run and changes nothing', async () => {
  await using t = await testStore();
  const first = await findOrScheduleRun(t.store, 'testing', {
    task: 'noop',
    key: 'invoice-42',
    parameters: { a: 1 },
    queue: 'q',
    after: 60_000,
  });
  assert.equal(first.isNew, true);
  assert.equal(first.run.key, 'invoice-42');
  const again = await findOrScheduleRun(t.store, 'testing', { task: 'noop', key: 'invoice-42', parameters: { a: 2 } });
  assert.deepEqual(again, { run: first.run, isNew: false });
  assert.notEqual(
    (await scheduleRun(t.store, 'testing', { task: 'other', key: 'invoice-42' })).id,
    first.run.id,
    'a key is of its task',
  );
  assert.notEqual((await scheduleRun(t.store, 'testing', { task: 'noop', key: 'invoice-43' })).id, first.run.id);
  await cancelRun(t.store, 'testing', first.run.id);
  const next = await findOrScheduleRun(t.store, 'testing', { task: 'noop', key: 'invoice-42' });
  assert.equal(next.isNew, true, 'the first is over');
  await assert.rejects(retryRun(t.store, 'testing', first.run.id), { code: 'key_taken' });
  await cancelRun(t.store, 'testing', next.run.id);
  assert.equal((await retryRun(t.store, 'testing', first.run.id)).state, 'queued');
});

test('a key: a run is unfinished while it runs and while it waits for its next attempt', async () => {
  await using t = await testStore();
  const { id } = await scheduleRun(t.store, 'testing', { task: 'noop', key: 'k' });
  const [claimed] = await t.claim();
  assert.ok(claimed !== undefined);
  assert.equal((await scheduleRun(t.store, 'testing', { task: 'noop', key: 'k' })).id, id);
  assert.equal(await t.finish(claimed, 'exited'), 'scheduled');
  assert.equal((await scheduleRun(t.store, 'testing', { task: 'noop', key: 'k' })).id, id);
});

test('a key: of many callers at once, one adds the run and all get its id; its queue stays whole', async () => {
  await using t = await testStore();
  const { as } = await caller(t);
  const fromOutside = async (): Promise<string> =>
    (await scheduleRun(t.store, 'testing', { task: 'noop', key: 'k', queue: 'q' })).id;
  const fromAttempt = async (): Promise<string> =>
    (await scheduleRunsByAttempt(t.store, as, [request({ key: 'k', queue: 'q' })]))[0] ?? '';
  const ids = await Promise.all(
    Array.from({ length: 40 }, (_, number) => (number % 2 === 0 ? fromOutside() : fromAttempt())),
  );
  assert.equal(new Set(ids).size, 1);
  assert.deepEqual(
    (await t.claim()).map((run) => run.id),
    [ids[0]],
    'it is at the front of its queue',
  );
});

test('a key: one that no run can have is refused', async () => {
  await using t = await testStore();
  for (const key of ['', 7, null, 'a\0', '\ud800', 'x'.repeat(513)]) {
    await assert.rejects(scheduleRun(t.store, 'testing', { task: 'noop', key }), { code: 'invalid_key' });
  }
  await assert.rejects(scheduleRun(t.store, 'testing', { task: 'nope', key: 'k' }), { code: 'unknown_task' });
});

test('scheduling many: one transaction, in order, all or none', async () => {
  await using t = await testStore();
  const { as } = await caller(t);
  const many = Array.from({ length: 1000 }, (_, number) =>
    request({
      parametersJson: `{"number":${number},"text":"\\u0000\\ud800"}`,
      queue: number % 10 === 0 ? 'tens' : null,
    }),
  );
  const keyed = many.toSpliced(500, 0, request({ key: 'k' }), request({ key: 'k' }));
  const ids = await t.store.transaction((db) => scheduleRunsByAttempt(db, as, keyed));
  assert.deepEqual(
    ids.toSpliced(500, 2),
    many.map((run) => run.id),
  );
  assert.equal(ids[500], ids[501]);
  const inOrder = await t.store.query<{ id: string; parameters: string; scheduledBy: string }>({
    name: '',
    text: 'select id, parameters::text as parameters, scheduled_by as "scheduledBy" from cloudcode.runs where key is null and scheduled_by is not null order by seq',
  });
  assert.deepEqual(
    inOrder,
    many.map((run) => ({ id: run.id, parameters: run.parametersJson, scheduledBy: as.runId })),
  );
  const before = await countRuns(t);
  await assert.rejects(
    t.store.transaction((db) =>
      scheduleRunsByAttempt(db, as, [request({}), request({ key: 'other' }), request({ task: 'noopp' }), request({})]),
    ),
    {
      code: 'unknown_task',
      message: /`noopp`/,
      hint: 'Did you mean `noop`?',
    },
  );
  await assert.rejects(
    t.store.transaction((db) => scheduleRunsByAttempt(db, as, [request({}), request({ task: 'noopp', key: 'k2' })])),
    { code: 'unknown_task' },
  );
  assert.equal(await countRuns(t), before);
});

test('promise 6: a superseded attempt schedules nothing, with or without a key', async () => {
  await using t = await testStore();
  const { as, run } = await caller(t);
  await t.finish(run, 'exited');
  const before = await countRuns(t);
  for (const fence of [as.fence, String(Number(as.fence) + 1000)]) {
    for (const key of [null, 'k']) {
      await assert.rejects(scheduleRunsByAttempt(t.store, { ...as, fence }, [request({ key })]), {
        code: 'attempt_superseded',
      });
    }
  }
  assert.equal(await countRuns(t), before);
});

test('asking again for a run whose answer was lost adds nothing, also when it is over by then', async () => {
  await using t = await testStore();
  const { as } = await caller(t);
  for (const key of [null, 'k']) {
    const again = request({ key });
    assert.deepEqual(await scheduleRunsByAttempt(t.store, as, [again]), [again.id]);
    assert.deepEqual(await scheduleRunsByAttempt(t.store, as, [again]), [again.id]);
    const [claimed] = (await t.claim()).filter(({ id }) => id === again.id);
    assert.ok(claimed !== undefined);
    await t.finish(claimed, 'returned');
    assert.deepEqual(await scheduleRunsByAttempt(t.store, as, [again]), [again.id]);
  }
});

async function countRuns(t: TestStore): Promise<number> {
  const [row] = await t.store.query<{ count: number }>({
    name: '',
    text: 'select count(*)::integer as count from cloudcode.runs',
  });
  return row?.count ?? 0;
}
