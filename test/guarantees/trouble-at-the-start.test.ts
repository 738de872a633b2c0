import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { pauseQueue, resumeQueue } from '../../src/engine/operations/pause-queue.ts';
import { claimRuns } from '../../src/engine/store/claim-runs.ts';
import type { Store } from '../../src/engine/store/open-store.ts';
import { setQueuePaused } from '../../src/engine/store/queues.ts';
import { readEnvironmentId } from '../../src/engine/store/read-runs.ts';
import { startRuntime, until } from '../support/runtime.ts';

const tasks = { quick: `export async function run() { return CloudCode.run.attempt; }` };

test('promise 2: a claim whose answer was lost on its way to the runner does not leave the queue standing', async () => {
  await using runtime = await startRuntime(tasks);
  await pauseQueue(runtime.store, 'testing', 'q');
  const run = await runtime.schedule('quick', { queue: 'q' });
  const environmentId = (await readEnvironmentId(runtime.store, 'testing')) ?? 0;
  // No runner may see the run between these two statements: the claim below is the one whose answer the runner never gets.
  await runtime.store.transaction(async (db) => {
    await setQueuePaused(db, { environmentId, name: 'q', paused: false });
    assert.equal((await claimRuns(db, { runnerId: runtime.runner.id, limit: 1, after: 0 })).length, 1);
  });
  await resumeQueue(runtime.store, 'testing', 'q');
  const ended = await runtime.ended(run, 15_000);
  assert.deepEqual(
    ended.attempts.map((attempt) => attempt.outcome),
    ['lost', 'returned'],
  );
  assert.match(ended.attempts[0]?.error?.message ?? '', /answer to its claim was lost/);
});

test('promise 4: an attempt that cannot even start is tried again, says why, and does not count', async () => {
  await using runtime = await startRuntime(tasks);
  const bundles = join(runtime.folder, '.cloudcode', 'bundles');
  rmSync(bundles, { recursive: true, force: true });
  mkdirSync(dirname(bundles), { recursive: true });
  writeFileSync(bundles, 'a file where the folder was');
  const run = await runtime.schedule('quick');
  const retried = await until(10_000, 'the first attempt has ended', async () => {
    const now = await getRun(runtime.store, 'testing', run.id);
    return now.attempts[0]?.outcome === 'lost' ? now : null;
  });
  assert.match(retried.attempts[0]?.error?.message ?? '', /could not be started: .*EEXIST/);
  assert.match(runtime.runner.unfitReason() ?? '', /EEXIST/);
  rmSync(bundles);
  const ended = await runtime.ended(run);
  assert.equal(ended.state, 'succeeded');
  assert.equal(await attemptsLeft(runtime.store, run.id), ended.maxAttempts - 1, 'one attempt counts, which answered');
});

test('promise 4: an attempt whose bundle was altered in the database counts, and its machine is not blamed', async () => {
  await using runtime = await startRuntime(tasks);
  assert.equal((await runtime.run('quick')).state, 'succeeded');
  await runtime.store.query({ name: '', text: "update cloudcode.bundles set code = 'other'" });
  rmSync(join(runtime.folder, '.cloudcode', 'bundles'), { recursive: true });
  const run = await runtime.schedule('quick');
  const retried = await until(10_000, 'the first attempt has ended', async () => {
    const now = await getRun(runtime.store, 'testing', run.id);
    return now.attempts[0]?.outcome === 'lost' ? now : null;
  });
  assert.match(retried.attempts[0]?.error?.message ?? '', /could not be started: .*not what its hash says/);
  assert.equal(await attemptsLeft(runtime.store, run.id), run.maxAttempts - 1);
  assert.equal(runtime.runner.unfitReason(), null);
});

test('promise 4: an attempt whose worker cannot start with the variables of its environment counts, and its machine is not blamed', async () => {
  await using runtime = await startRuntime(tasks);
  await runtime.store.query({
    name: '',
    text: `update cloudcode.environments set variables = '{"NODE_OPTIONS":"--require /nowhere/at/all.cjs"}'`,
  });
  const run = await runtime.schedule('quick');
  const retried = await until(10_000, 'the first attempt has ended', async () => {
    const now = await getRun(runtime.store, 'testing', run.id);
    return now.attempts[0]?.outcome === 'exited' ? now : null;
  });
  assert.match(retried.attempts[0]?.error?.message ?? '', /exit code 1/);
  assert.equal(await attemptsLeft(runtime.store, run.id), run.maxAttempts - 1);
  assert.equal(runtime.runner.unfitReason(), null);
});

/** How many attempts a run may still have. */
async function attemptsLeft(store: Store, runId: string): Promise<number> {
  const [row] = await store.query<{ left: number }>({
    name: '',
    text: `select attempt_limit - attempt_count as left from cloudcode.runs where id = '${runId}'`,
  });
  return row?.left ?? -1;
}
