import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { getRun } from '../../src/operations/get-run.ts';
import { readEnvironmentId } from '../../src/store/read-runs.ts';
import { startRuntime, until } from '../support/runtime.ts';

test('a run starts when the processes of the one before are gone, also while its end is being stored; but ends do not pile up', { timeout: 60_000 }, async () => {
  await using runtime = await startRuntime({ noop: 'export async function run() {}' }, { concurrency: 1 });
  const environmentId = await readEnvironmentId(runtime.store, 'testing');
  const started = (id: string): boolean => runtime.events.some((event) => event.kind === 'attempt_started' && event.runId === id);
  const queued = [await runtime.schedule('noop', { queue: 'a', after: 500 }), await runtime.schedule('noop', { queue: 'b', after: 500 })];
  const last = await runtime.schedule('noop', { after: 600 });
  await runtime.store.transaction(async (db) => {
    // Somebody else's transaction holds both queues: the ends of their runs wait.
    for (const queue of ['a', 'b']) await db.query({ name: '', text: `select cloudcode.lock_queue(${environmentId}, '${queue}')` });
    for (const { id } of queued) await until(10_000, `run ${id} is started`, () => started(id) || null);
    await delay(1000);
    assert.equal(started(last.id), false, 'two ends wait, at a concurrency of one');
    for (const { id } of queued) assert.equal((await getRun(runtime.store, 'testing', id)).state, 'running');
  });
  for (const { id } of [...queued, last]) assert.equal((await runtime.ended(id)).state, 'succeeded');
});
