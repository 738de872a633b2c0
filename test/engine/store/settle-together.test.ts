import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finishAttempts } from '../../../src/engine/operations/finish-attempt.ts';
import { pauseQueue } from '../../../src/engine/operations/pause-queue.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { alterRuns, endOf, testStore, type TestStore } from '../../support/store.ts';

// Each queue of a statement that changes many gets the front it would have got alone.

const schedule = async (t: TestStore, queue: string, name: string): Promise<string> =>
  (await scheduleRun(t.store, 'testing', { task: 'noop', queue, parameters: { name } })).id;

const namesOf = (runs: readonly { readonly parametersJson: string }[]): readonly string[] =>
  runs.map(({ parametersJson }) => (JSON.parse(parametersJson) as { name: string }).name).sort();

test('promise 8: of queues whose runs end in one statement, each goes on with the run that is its next', async () => {
  await using t = await testStore({ skips: { onRetry: 'skip' }, 'skips alone': { onRetry: 'skip' } });
  const queues = ['goes on', 'waits', 'is paused', 'is empty', 'skips', 'skips alone'];
  for (const queue of queues) await schedule(t, queue, `${queue} 1`);
  for (const queue of queues.filter((name) => name !== 'is empty' && name !== 'skips alone'))
    for (const number of [2, 3]) await schedule(t, queue, `${queue} ${number}`);
  const first = await t.claim(10);
  assert.deepEqual(namesOf(first), queues.map((queue) => `${queue} 1`).sort());
  await pauseQueue(t.store, 'testing', 'is paused');
  const inBackOff = new Set(['waits', 'skips', 'skips alone']);
  const finished = await finishAttempts(
    t.store,
    first.map((run) => endOf(run, inBackOff.has(run.queue ?? '') ? 'killed' : 'returned')),
  );
  assert.equal(finished.filter((next) => next === 'scheduled').length, 3);
  assert.deepEqual(namesOf(await t.claim(10)), ['goes on 2', 'skips 2']);
  await alterRuns(t.store, 'update cloudcode.runs set retry_at = now() where retry_at is not null');
  assert.deepEqual(namesOf(await t.claim(10)), ['skips alone 1', 'waits 1']);
});

test('a statement of an administrator that cancels what waits at many fronts brings the next of each to the front', async () => {
  await using t = await testStore();
  for (const queue of ['a', 'b', 'c']) for (const number of [1, 2]) await schedule(t, queue, `${queue}${number}`);
  const [running] = await t.claim(1);
  assert.equal(running?.queue, 'a');
  await alterRuns(
    t.store,
    "update cloudcode.runs set state = 'cancelled', finished_at = now() where id in (select run_id from cloudcode.ready)",
  );
  assert.deepEqual(namesOf(await t.claim(10)), ['b2', 'c2']);
});

test('runs of one queue that are cancelled in one statement leave the front to the one that is left', async () => {
  await using t = await testStore();
  for (const number of [1, 2, 3, 4]) await schedule(t, 'q', `q${number}`);
  await alterRuns(
    t.store,
    "update cloudcode.runs set state = 'cancelled', finished_at = now() where parameters ->> 'name' <> 'q3'",
  );
  assert.deepEqual(namesOf(await t.claim(10)), ['q3']);
});
