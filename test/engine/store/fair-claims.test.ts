import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { type Claimer, openClaimer } from '../../../src/engine/runner/claim-due.ts';
import type { ClaimedRun } from '../../../src/engine/store/claim-runs.ts';
import { noopTask, testStore, type TestStore } from '../../support/store.ts';

/** Beside `testing`, which has by far the most to do and had it first. */
const others = ['staging', 'production'] as const;

async function storeWithFlood(): Promise<TestStore> {
  const t = await testStore();
  for (const name of others) await deployProject(t.store, name, { folder: '/nowhere', tasks: [noopTask], config: {} });
  for (let n = 0; n < 40; n += 1)
    await scheduleRun(t.store, 'testing', { task: 'noop', ...(n % 2 === 0 ? { queue: `q${n}` } : {}) });
  for (const name of others) for (let n = 0; n < 3; n += 1) await scheduleRun(t.store, name, { task: 'noop' });
  return t;
}

function claimerOf({ store, runnerId }: TestStore, onClaimed: (run: ClaimedRun) => void): Claimer {
  return openClaimer({
    store,
    runnerId,
    free: () => Infinity,
    onClaimed,
    onFree: () => undefined,
    onWrong: (wrong) => assert.fail(JSON.stringify(wrong)),
  });
}

async function claimed(t: TestStore, limits: readonly number[]): Promise<readonly (readonly string[])[]> {
  let runs: ClaimedRun[] = [];
  const claimer = claimerOf(t, (run) => runs.push(run));
  const rounds: string[][] = [];
  for (const limit of limits) {
    runs = [];
    await claimer.claim(limit);
    rounds.push(runs.map((run) => run.environment));
  }
  return rounds;
}

test('environments are claimed from in turn, one run at a time', async () => {
  await using t = await storeWithFlood();
  const rounds = await claimed(
    t,
    Array.from({ length: 9 }, () => 1),
  );
  assert.deepEqual(rounds.flat(), Array.from({ length: 3 }, () => ['testing', 'staging', 'production']).flat());
});

test('environments are claimed from in turn, many runs at a time, and what one does not need is for the others', async () => {
  await using t = await storeWithFlood();
  assert.deepEqual(await claimed(t, [4, 6, 8]), [
    ['testing', 'staging', 'production', 'testing'],
    ['staging', 'production', 'testing', 'staging', 'production', 'testing'],
    Array.from({ length: 8 }, () => 'testing'),
  ]);
});

test('two runners that claim at the same time take different runs, and leave none', async () => {
  await using t = await storeWithFlood();
  const ids: string[] = [];
  const claimers = [1, 2, 3, 4].map(() => claimerOf(t, (run) => ids.push(run.id)));
  for (let round = 0; round < 20 && ids.length < 46; round += 1)
    await Promise.all(claimers.map((claimer) => claimer.claim(3)));
  assert.deepEqual([ids.length, new Set(ids).size], [46, 46]);
});
