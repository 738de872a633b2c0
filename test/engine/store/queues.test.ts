import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listQueues } from '../../../src/engine/operations/list-queues.ts';
import { pauseQueue, resumeQueue } from '../../../src/engine/operations/pause-queue.ts';
import { retryRun } from '../../../src/engine/operations/retry-run.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { readNextWakeMs } from '../../../src/engine/store/claim-runs.ts';
import { sqlState } from '../../../src/engine/store/store-error.ts';
import { alterRuns, testStore } from '../../support/store.ts';

const first = <Item>(items: readonly Item[]): Item => {
  const [item] = items;
  assert.ok(item !== undefined, 'there is one');
  return item;
};

test('promise 1: of a queue one run is claimed at a time, in the order of scheduling', async () => {
  await using t = await testStore();
  const ids: string[] = [];
  for (let i = 0; i < 3; i += 1) ids.push((await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' })).id);
  for (const id of ids) {
    const claimed = await t.claim();
    assert.deepEqual(
      claimed.map((run) => run.id),
      [id],
    );
    assert.deepEqual(await t.claim(), []);
    assert.equal(await t.finish(first(claimed), 'returned'), 'succeeded');
  }
  assert.deepEqual(await t.claim(), []);
});

test('promise 1: the database refuses a second running run in a queue, whatever the code does', async () => {
  await using t = await testStore();
  for (let i = 0; i < 2; i += 1) await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' });
  await t.claim();
  const force = t.store.query({
    name: '',
    text: `update cloudcode.runs set state = 'running', runner_id = '${t.runnerId}', fence = 9, attempt_started_at = now() where state = 'queued'`,
  });
  await assert.rejects(force, (error) => sqlState(error) === '23505');
});

test('runs without a queue are claimed together', async () => {
  await using t = await testStore();
  for (let i = 0; i < 5; i += 1) await scheduleRun(t.store, 'testing', { task: 'noop' });
  assert.equal((await t.claim(3)).length, 3);
  assert.equal((await t.claim(3)).length, 2);
});

test('promise 8: within a queue the earlier due time goes first, also when it was scheduled later', async () => {
  await using t = await testStore();
  const later = await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q', at: new Date('2001-01-02') });
  const earlier = await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q', at: new Date('2001-01-01') });
  const claimed = first(await t.claim());
  assert.equal(claimed.id, earlier.id);
  await t.finish(claimed, 'returned');
  assert.equal(first(await t.claim()).id, later.id);
});

test('promise 7: a run whose time has not come is not claimed, and holds up no due one behind it', async () => {
  await using t = await testStore();
  const later = await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q', after: 3_600_000 });
  assert.equal(later.state, 'scheduled');
  assert.deepEqual(await t.claim(), []);
  const due = await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' });
  assert.equal(first(await t.claim()).id, due.id);
  const wait = await readNextWakeMs(t.store);
  assert.equal(wait, null, 'nothing at a front while the queue is busy');
});

test('promise 7: the time until the next run is known to the millisecond', async () => {
  await using t = await testStore();
  await scheduleRun(t.store, 'testing', { task: 'noop', after: 60_000 });
  const wait = await readNextWakeMs(t.store);
  assert.ok(wait !== null && wait > 50_000 && wait <= 60_000, String(wait));
});

test('promise 8: a retried run keeps its place, and its queue waits through the back-off', async () => {
  await using t = await testStore();
  const retried = await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' });
  await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' });
  assert.equal(await t.finish(first(await t.claim()), 'killed'), 'scheduled');
  assert.deepEqual(await t.claim(), []);
  await alterRuns(t.store, `update cloudcode.runs set retry_at = now() where id = '${retried.id}'`);
  assert.equal(first(await t.claim()).id, retried.id);
});

test('a queue set to skip goes on during a back-off', async () => {
  await using t = await testStore({ q: { onRetry: 'skip' } });
  const retried = await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' });
  const next = await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' });
  await t.finish(first(await t.claim()), 'killed');
  const second = first(await t.claim());
  assert.equal(second.id, next.id);
  await alterRuns(t.store, `update cloudcode.runs set retry_at = now() where id = '${retried.id}'`);
  assert.deepEqual(await t.claim(), [], 'still one at a time');
  await t.finish(second, 'returned');
  assert.equal(first(await t.claim()).id, retried.id);
});

test('a queue set to skip: a new run goes before one in back-off, a later one does not', async () => {
  await using t = await testStore({ q: { onRetry: 'skip' } });
  const retried = await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' });
  await t.finish(first(await t.claim()), 'killed');
  await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q', after: 3_600_000 });
  const wait = await readNextWakeMs(t.store);
  assert.ok(wait !== null && wait < 3000, 'the back-off is what comes first');
  const next = await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' });
  const second = first(await t.claim());
  assert.equal(second.id, next.id);
  await alterRuns(t.store, `update cloudcode.runs set retry_at = now() where id = '${retried.id}'`);
  await t.finish(second, 'returned');
  assert.equal(first(await t.claim()).id, retried.id);
});

test('no run of a paused queue is claimed; after resuming it goes on where it was', async () => {
  await using t = await testStore();
  await pauseQueue(t.store, 'testing', 'q');
  const run = await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' });
  assert.deepEqual(await t.claim(), []);
  assert.equal(await readNextWakeMs(t.store), null, 'a paused queue costs the runners nothing');
  const queue = await resumeQueue(t.store, 'testing', 'q');
  assert.equal(queue.paused, false);
  const claimed = first(await t.claim());
  assert.equal(claimed.id, run.id);
  await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' });
  await pauseQueue(t.store, 'testing', 'q');
  await t.finish(claimed, 'returned');
  assert.deepEqual(await t.claim(), []);
});

test('a queue that has nothing to do and is not paused is not listed', async () => {
  await using t = await testStore();
  const names = async (): Promise<readonly string[]> =>
    (await listQueues(t.store, 'testing')).queues.map(({ name }) => name);
  await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'busy' });
  await pauseQueue(t.store, 'testing', 'busy');
  await pauseQueue(t.store, 'testing', 'idle');
  assert.deepEqual(await names(), ['busy', 'idle']);
  assert.equal((await resumeQueue(t.store, 'testing', 'idle')).name, 'idle');
  await resumeQueue(t.store, 'testing', 'busy');
  assert.deepEqual(await names(), ['busy']);
});

test('promise 6: the end of a superseded attempt is refused', async () => {
  await using t = await testStore();
  await scheduleRun(t.store, 'testing', { task: 'noop' });
  const stale = first(await t.claim());
  await alterRuns(t.store, "update cloudcode.runs set state = 'queued', outcome = 'lost', attempt_finished_at = now()");
  const current = first(await t.claim());
  assert.ok(BigInt(current.fence) > BigInt(stale.fence), 'fences only grow');
  assert.equal(await t.finish(stale, 'returned'), 'superseded');
  assert.equal(await t.finish(current, 'threw'), 'failed');
  assert.equal(await t.finish(current, 'returned'), 'superseded', 'promise 3: an answer is final');
});

test('promise 4: attempts are counted when claimed; after the last the run is dead; a retry gives a new set', async () => {
  await using t = await testStore();
  const { id } = await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' });
  for (let attempt = 1; attempt <= 10; attempt += 1) {
    const claimed = first(await t.claim());
    assert.equal(claimed.attempt, attempt);
    const next = await t.finish(claimed, 'exited');
    assert.equal(next, attempt % 5 === 0 ? 'dead' : 'scheduled');
    if (attempt === 5) assert.equal((await retryRun(t.store, 'testing', id)).state, 'queued');
    else await alterRuns(t.store, 'update cloudcode.runs set retry_at = now() where retry_at is not null');
  }
});

test('an attempt that a draining runner gives back does not count', async () => {
  await using t = await testStore();
  await scheduleRun(t.store, 'testing', { task: 'noop' });
  for (let attempt = 1; attempt <= 7; attempt += 1)
    assert.equal(await t.finish(first(await t.claim()), 'cancelled'), 'queued');
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    assert.equal(await t.finish(first(await t.claim()), 'exited'), 'scheduled');
    await alterRuns(t.store, 'update cloudcode.runs set retry_at = now() where retry_at is not null');
  }
  assert.equal(await t.finish(first(await t.claim()), 'exited'), 'dead');
});
