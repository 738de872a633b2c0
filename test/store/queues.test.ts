import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cancelRun } from '../../src/operations/cancel-run.ts';
import { listQueues } from '../../src/operations/list-queues.ts';
import { pauseQueue, resumeQueue } from '../../src/operations/pause-queue.ts';
import { retryRun } from '../../src/operations/retry-run.ts';
import { scheduleRun } from '../../src/operations/schedule-run.ts';
import { type ClaimedRun, readNextWakeMs } from '../../src/store/claim-runs.ts';
import type { Store } from '../../src/store/open-store.ts';
import { sqlState } from '../../src/store/store-error.ts';
import { testStore, type TestStore } from '../support/store.ts';

const first = <Item>(items: readonly Item[]): Item => {
  const [item] = items;
  assert.ok(item !== undefined, 'there is one');
  return item;
};

/** What the front of each queue must be, worked out from the runs alone; compared with what the triggers keep. */
async function checkFronts(store: Store): Promise<void> {
  const wrong = await store.query<{ queue: string }>({
    name: '',
    text: `
      select r.queue, array_agg(r.id) filter (where r.at_front) as fronts
      from cloudcode.runs r left join cloudcode.queues q on q.environment_id = r.environment_id and q.name = r.queue
      where r.queue is not null and r.state in ('queued', 'running')
      group by r.environment_id, r.queue, q.paused, q.on_retry
      having coalesce(q.on_retry, 'wait') = 'wait' and array_agg(r.id) filter (where r.at_front) is distinct from
        case when bool_or(r.state = 'running') then array_agg(r.id) filter (where r.state = 'running')
             when q.paused then null
             else (array_agg(r.id order by r.due_at, r.seq))[1:1] end`,
  });
  assert.deepEqual(wrong, [], 'the front of every queue is the running run, else the first by due time and order of scheduling');
}

test('promise 1: of a queue one run is claimed at a time, in the order of scheduling', async () => {
  await using t = await testStore();
  const ids: string[] = [];
  for (let i = 0; i < 3; i += 1) ids.push((await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' })).id);
  for (const id of ids) {
    const claimed = await t.claim();
    assert.deepEqual(claimed.map((run) => run.id), [id]);
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
    text: `update cloudcode.runs set state = 'running', at_front = true, runner_id = '${t.runnerId}', fence = 9 where state = 'queued'`,
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
  assert.equal(await t.finish(first(await t.claim()), 'killed'), 'retry');
  assert.deepEqual(await t.claim(), []);
  await t.store.query({ name: '', text: `update cloudcode.runs set retry_at = now() where id = '${retried.id}'` });
  assert.equal(first(await t.claim()).id, retried.id);
});

test('a queue set to skip goes on during a back-off', async () => {
  await using t = await testStore({ q: { onRetry: 'skip' } });
  const retried = await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' });
  const next = await scheduleRun(t.store, 'testing', { task: 'noop', queue: 'q' });
  await t.finish(first(await t.claim()), 'killed');
  const second = first(await t.claim());
  assert.equal(second.id, next.id);
  await t.store.query({ name: '', text: `update cloudcode.runs set retry_at = now() where id = '${retried.id}'` });
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
  await t.store.query({ name: '', text: `update cloudcode.runs set retry_at = now() where id = '${retried.id}'` });
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
  const names = async (): Promise<readonly string[]> => (await listQueues(t.store, 'testing')).map(({ name }) => name);
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
  await t.store.query({ name: '', text: "update cloudcode.runs set state = 'queued', runner_id = null" });
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
    assert.equal(next, attempt % 5 === 0 ? 'dead' : 'retry');
    if (attempt === 5) assert.equal((await retryRun(t.store, 'testing', id)).state, 'queued');
    else await t.store.query({ name: '', text: 'update cloudcode.runs set retry_at = now() where retry_at is not null' });
  }
});

test('an attempt that a draining runner gives back does not count', async () => {
  await using t = await testStore();
  await scheduleRun(t.store, 'testing', { task: 'noop' });
  for (let attempt = 1; attempt <= 7; attempt += 1) assert.equal(await t.finish(first(await t.claim()), 'cancelled'), 'give_back');
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    assert.equal(await t.finish(first(await t.claim()), 'exited'), 'retry');
    await t.store.query({ name: '', text: 'update cloudcode.runs set retry_at = now() where retry_at is not null' });
  }
  assert.equal(await t.finish(first(await t.claim()), 'exited'), 'dead');
});

type Command =
  | { readonly kind: 'schedule'; readonly queue: number; readonly dueMs: number }
  | { readonly kind: 'claim'; readonly limit: number }
  | { readonly kind: 'finish'; readonly outcome: 'returned' | 'killed' | 'cancelled' | 'threw' }
  | { readonly kind: 'cancel' | 'retry'; readonly pick: number }
  | { readonly kind: 'pause' | 'resume'; readonly queue: number }
  | { readonly kind: 'back_off_over' };

const commands = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('schedule' as const), queue: fc.nat(2), dueMs: fc.constantFrom(-1000, 0, 0, 3_600_000) }),
    fc.record({ kind: fc.constant('claim' as const), limit: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('finish' as const), outcome: fc.constantFrom('returned' as const, 'killed' as const, 'cancelled' as const, 'threw' as const) }),
    fc.record({ kind: fc.constantFrom('cancel' as const, 'retry' as const), pick: fc.nat(20) }),
    fc.record({ kind: fc.constantFrom('pause' as const, 'resume' as const), queue: fc.nat(2) }),
    fc.record({ kind: fc.constant('back_off_over' as const) }),
  ),
  { maxLength: 40 },
);

async function obey(t: TestStore, command: Command, state: { ids: string[]; held: ClaimedRun[] }): Promise<void> {
  switch (command.kind) {
    case 'schedule': {
      const run = await scheduleRun(t.store, 'testing', { task: 'noop', queue: `q${command.queue}`, at: new Date(Date.now() + command.dueMs) });
      state.ids.push(run.id);
      return;
    }
    case 'claim':
      state.held.push(...(await t.claim(command.limit)));
      return;
    case 'finish': {
      const run = state.held.shift();
      if (run !== undefined) assert.notEqual(await t.finish(run, command.outcome), 'superseded');
      return;
    }
    case 'cancel':
    case 'retry': {
      const id = state.ids[command.pick];
      if (id === undefined) return;
      await (command.kind === 'cancel' ? cancelRun : retryRun)(t.store, 'testing', id).catch((error: unknown) => {
        assert.match((error as { code: string }).code, /run_already_final|run_not_final|run_succeeded/);
      });
      return;
    }
    case 'pause':
      await pauseQueue(t.store, 'testing', `q${command.queue}`);
      return;
    case 'resume':
      await resumeQueue(t.store, 'testing', `q${command.queue}`);
      return;
    case 'back_off_over':
      await t.store.query({ name: '', text: 'update cloudcode.runs set retry_at = now() where retry_at is not null' });
  }
}

test('the front of every queue is right after any sequence of commands', async () => {
  await using t = await testStore();
  await fc.assert(
    fc.asyncProperty(commands, async (sequence) => {
      await t.store.query({ name: '', text: 'truncate cloudcode.runs, cloudcode.queues cascade' });
      const state = { ids: [] as string[], held: [] as ClaimedRun[] };
      for (const command of sequence) {
        await obey(t, command, state);
        await checkFronts(t.store);
      }
    }),
    { numRuns: 40 },
  );
});

test('promise 1 and 2: writers side by side lose no run, leave no queue standing and never claim two of one queue', async () => {
  await using t = await testStore();
  const total = 300;
  let scheduled = 0;
  let finished = 0;
  const scheduler = async (): Promise<void> => {
    while (scheduled < total) {
      const number = scheduled++;
      await scheduleRun(t.store, 'testing', { task: 'noop', queue: `q${number % 5}`, at: new Date(Date.now() - (number % 7)) });
    }
  };
  const claimer = async (): Promise<void> => {
    for (let idle = 0; finished < total && idle < 2000; idle += 1) {
      for (const run of await t.claim(3)) {
        assert.equal(await t.finish(run, 'returned'), 'succeeded');
        finished += 1;
        idle = 0;
      }
    }
  };
  await Promise.all([scheduler(), scheduler(), scheduler(), claimer(), claimer(), claimer()]);
  assert.equal(finished, total);
  await checkFronts(t.store);
});
