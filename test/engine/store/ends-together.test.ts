import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cancelRun } from '../../../src/engine/operations/cancel-run.ts';
import { finishAttempts } from '../../../src/engine/operations/finish-attempt.ts';
import { getRun } from '../../../src/engine/operations/get-run.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { openEndWriter } from '../../../src/engine/runner/write-ends.ts';
import type { ClaimedRun } from '../../../src/engine/store/claim-runs.ts';
import { readLogLines } from '../../../src/engine/store/read-runs.ts';
import { alterRuns, endOf, testStore, type TestStore } from '../../support/store.ts';

async function claimed(
  t: TestStore,
  count: number,
  queueOf: (number: number) => string | undefined = () => undefined,
): Promise<readonly ClaimedRun[]> {
  for (let number = 0; number < count; number += 1) {
    const queue = queueOf(number);
    await scheduleRun(t.store, 'testing', {
      task: 'noop',
      parameters: { number },
      ...(queue === undefined ? {} : { queue }),
    });
  }
  return t.claim(count);
}

const line = (message: string, number = 1) => ({
  number,
  at: new Date().toISOString(),
  level: 'log' as const,
  message,
});

test('promise 6: of ends that are stored together the stale ones are refused, and no other', async () => {
  await using t = await testStore();
  const runs = await claimed(t, 3);
  const ends = runs.map((run, index) => ({
    ...endOf(run, 'returned'),
    resultJson: String(index),
    lines: [line(`of ${index}`), line(`again of ${index}`, 2)],
  }));
  const [first, second, third] = ends;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const finished = await finishAttempts(t.store, [
    third,
    { ...second, fence: '999999', lines: [line('stale')] },
    first,
  ]);
  assert.deepEqual(finished, ['succeeded', 'superseded', 'succeeded']);
  const after = await Promise.all(runs.map((run) => getRun(t.store, 'testing', run.id)));
  assert.deepEqual(
    after.map(({ state, result }) => [state, result]),
    [
      ['succeeded', 0],
      ['running', null],
      ['succeeded', 2],
    ],
  );
  const lines = await Promise.all(runs.map((run) => readLogLines(t.store, run.id, { seq: 0, limit: 10 })));
  assert.deepEqual(
    lines.map((list) => list.map(({ message }) => message)),
    [['of 0', 'again of 0'], [], ['of 2', 'again of 2']],
  );
});

test('promise 3: an end that comes twice, in one statement or in two, is stored once', async () => {
  await using t = await testStore();
  const [run] = await claimed(t, 1);
  assert.ok(run !== undefined);
  const end = endOf(run, 'returned');
  await finishAttempts(t.store, [end, end]);
  assert.deepEqual(await finishAttempts(t.store, [end]), ['superseded']);
  const { state, attempts } = await getRun(t.store, 'testing', run.id);
  assert.deepEqual([state, attempts.map(({ outcome }) => outcome)], ['succeeded', ['returned']]);
});

test('every kind of outcome among others becomes what it would alone', async () => {
  await using t = await testStore();
  const outcomes = ['returned', 'threw', 'exited', 'cancelled', 'lost'] as const;
  const runs = await claimed(t, outcomes.length, (number) => (number % 2 === 0 ? `queue ${number}` : undefined));
  const byNumber = new Map(runs.map((run) => [(JSON.parse(run.parametersJson) as { number: number }).number, run]));
  const finished = await finishAttempts(
    t.store,
    outcomes.map((outcome, number) => {
      const run = byNumber.get(number);
      assert.ok(run !== undefined);
      return endOf(run, outcome);
    }),
  );
  assert.deepEqual(finished, ['succeeded', 'failed', 'scheduled', 'queued', 'scheduled']);
});

test('an end that the database refuses spoils none of those that it would have been stored with', async () => {
  await using t = await testStore();
  const runs = await claimed(t, 20);
  const writeEnd = openEndWriter(t.store);
  const settled = await Promise.allSettled(
    runs.map((run, index) => writeEnd(null, { ...endOf(run, 'returned'), resultJson: index === 7 ? 'no JSON' : '1' })),
  );
  assert.deepEqual(
    settled.map(({ status }, index) => (status === 'rejected' ? index : -1)).filter((index) => index >= 0),
    [7],
  );
});

test('two runners store ends of many queues while a third schedules into them, in other orders: none waits for ever, and none is lost', async () => {
  await using t = await testStore();
  const total = 400;
  const runs = await claimed(t, total, (number) => `queue ${number}`);
  const [one, other] = [openEndWriter(t.store), openEndWriter(t.store)];
  const shuffled = runs
    .map((run) => ({ run, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ run }) => run);
  const [held] = await (async () => {
    await scheduleRun(t.store, 'testing', { task: 'other' });
    return t.claim(1);
  })();
  assert.ok(held !== undefined);
  const { scheduleRunsByAttempt } = await import('../../../src/engine/operations/schedule-run.ts');
  const { newId } = await import('../../../src/engine/protocol/new-id.ts');
  const fanOut = async (isReversed: boolean): Promise<void> => {
    for (let round = 0; round < 4; round += 1) {
      const list = Array.from({ length: total }, (_, number) => ({
        id: newId(),
        task: 'noop',
        parametersJson: '{}',
        queue: `queue ${isReversed ? total - 1 - number : number}`,
        key: null,
        at: null,
        afterMs: null,
      }));
      await t.store.transaction((db) =>
        scheduleRunsByAttempt(db, { runId: held.id, fence: held.fence, environment: 'testing' }, list),
      );
    }
  };
  const ends = shuffled.map((run, index) => (index % 2 === 0 ? one : other)(run.queue, endOf(run, 'returned')));
  const [finished] = await Promise.all([Promise.all(ends), fanOut(false), fanOut(true)]);
  assert.deepEqual(
    finished.filter((next) => next !== 'succeeded'),
    [],
  );
  const [row] = await t.store.query<{ fronts: number; waiting: number }>({
    name: '',
    text: "select (select count(*) from cloudcode.ready where queue is not null)::integer as fronts, count(*)::integer as waiting from cloudcode.runs where queue is not null and state = 'queued'",
  });
  assert.deepEqual(row, { fronts: total, waiting: 8 * total });
});

test('a queue whose lock somebody holds does not hold up the ends of other queues', { timeout: 12_000 }, async () => {
  await using t = await testStore();
  const runs = await claimed(t, 3, (number) => `queue ${number}`);
  const writeEnd = openEndWriter(t.store);
  const endOfQueue = (queue: string): Promise<string> => {
    const run = runs.find((each) => each.queue === queue);
    assert.ok(run !== undefined);
    return writeEnd(queue, endOf(run, 'returned'));
  };
  const { held, ended } = await t.store.transaction(async (db) => {
    await db.query({ name: '', text: `select cloudcode.lock_queue(${t.environmentId}, 'queue 0')` });
    const waits = endOfQueue('queue 0');
    return { held: waits, ended: await Promise.all([endOfQueue('queue 1'), endOfQueue('queue 2')]) };
  });
  assert.deepEqual([...ended, await held], ['succeeded', 'succeeded', 'succeeded']);
});

test('an end makes a run cancelled when somebody asked for that, and never otherwise', async () => {
  await using t = await testStore();
  const [wanted, unwanted] = await claimed(t, 2);
  assert.ok(wanted !== undefined && unwanted !== undefined);
  await cancelRun(t.store, 'testing', wanted.id);
  const ends = [wanted, unwanted].map((run) => ({ ...endOf(run, 'lost'), cancelRequested: true }));
  assert.deepEqual(await finishAttempts(t.store, ends), ['cancelled', 'superseded']);
  assert.equal((await getRun(t.store, 'testing', unwanted.id)).state, 'running', 'its runner still holds it');
  assert.deepEqual(await finishAttempts(t.store, [endOf(unwanted, 'lost')]), ['scheduled']);
});

test('promise 4: ends of which one does not count, because its machine could not begin, are stored with what they make of their runs', async () => {
  await using t = await testStore();
  const [sick, counted] = await claimed(t, 2);
  assert.ok(sick !== undefined && counted !== undefined);
  const last = (run: ClaimedRun) => ({ ...endOf(run, 'lost'), number: run.attempt, attemptLimit: run.attempt });
  await alterRuns(t.store, 'update cloudcode.runs set attempt_limit = attempt_count');
  assert.deepEqual(await finishAttempts(t.store, [{ ...last(sick), isMachineFault: true }, last(counted)]), [
    'scheduled',
    'dead',
  ]);
  const run = await getRun(t.store, 'testing', sick.id);
  assert.deepEqual([run.state, run.attempts.map(({ outcome }) => outcome)], ['scheduled', ['lost']]);
  assert.ok(Date.parse(run.retryAt ?? '') - Date.parse(run.attempts[0]?.finishedAt ?? '') <= 1_200);
  await alterRuns(t.store, "update cloudcode.runs set retry_at = now() where state = 'queued'");
  assert.equal((await t.claim(1))[0]?.attempt, 2, 'beyond the one attempt it had');
});
