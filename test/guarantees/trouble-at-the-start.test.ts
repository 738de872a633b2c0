import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { getRun } from '../../src/operations/get-run.ts';
import { pauseQueue, resumeQueue } from '../../src/operations/pause-queue.ts';
import { claimRuns } from '../../src/store/claim-runs.ts';
import { startRuntime, until } from '../support/runtime.ts';

const tasks = { quick: `export async function run() { return CloudCode.run.attempt; }` };

test('promise 2: a claim whose answer was lost on its way to the runner does not leave the queue standing', async () => {
  await using runtime = await startRuntime(tasks);
  await pauseQueue(runtime.store, 'testing', 'q');
  const run = await runtime.schedule('quick', { queue: 'q' });
  // No runner may see the run between these two statements: the claim below is the one whose answer the runner never gets.
  await runtime.store.transaction(async (db) => {
    await db.query({ name: '', text: "update cloudcode.queues set paused = false where name = 'q'" });
    assert.equal((await claimRuns(db, { runnerId: runtime.runner.id, limit: 1, after: 0 })).length, 1);
  });
  await resumeQueue(runtime.store, 'testing', 'q');
  const ended = await runtime.ended(run, 15_000);
  assert.deepEqual(ended.attempts.map((attempt) => attempt.outcome), ['lost', 'returned']);
  assert.match(ended.attempts[0]?.error?.message ?? '', /answer to its claim was lost/);
});

test('promise 4: an attempt that cannot even start is tried again, and says why', async () => {
  await using runtime = await startRuntime(tasks);
  const bundles = join(runtime.folder, '.cloudcode', 'bundles');
  rmSync(bundles, { recursive: true, force: true });
  mkdirSync(dirname(bundles), { recursive: true });
  writeFileSync(bundles, 'a file where the folder was');
  const run = await runtime.schedule('quick');
  const retried = await until(10_000, 'the first attempt is over', async () => {
    const now = await getRun(runtime.store, 'testing', run.id);
    return now.attempts[0]?.outcome === 'lost' ? now : null;
  });
  assert.match(retried.attempts[0]?.error?.message ?? '', /could not be started: .*EEXIST/);
  rmSync(bundles);
  assert.equal((await runtime.ended(run)).state, 'succeeded');
});
