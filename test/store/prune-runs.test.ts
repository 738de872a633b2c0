import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pruneRuns } from '../../src/operations/prune-runs.ts';
import { scheduleRun } from '../../src/operations/schedule-run.ts';
import { setRetention } from '../../src/store/prune-runs.ts';
import { endOf, testStore, type TestStore } from '../support/store.ts';
import { finishAttempts } from '../../src/operations/finish-attempt.ts';

const never = new AbortController().signal;

async function finished(t: TestStore, count: number, outcome: 'returned' | 'threw'): Promise<void> {
  for (let number = 0; number < count; number += 1) await scheduleRun(t.store, 'testing', { task: 'noop' });
  const line = { number: 1, at: new Date().toISOString(), level: 'log' as const, message: 'a line' };
  await finishAttempts(t.store, (await t.claim(count)).map((run) => ({ ...endOf(run, outcome), lines: [line] })));
}

async function rows(t: TestStore, table: string): Promise<number> {
  const [row] = await t.store.query<{ count: number }>({ name: '', text: `select count(*)::integer as count from cloudcode.${table}` });
  return row?.count ?? 0;
}

async function age(t: TestStore, where: string): Promise<void> {
  await t.store.query({ name: '', text: `update cloudcode.runs set finished_at = now() - interval '31 days' where ${where}` });
}

test('finished runs are forgotten after their time, with their attempts and lines; those that are not over, or dead, never', async () => {
  await using t = await testStore();
  await finished(t, 20, 'returned');
  await finished(t, 5, 'threw');
  assert.equal(await pruneRuns(t.store, never), 0, 'nothing is old yet');
  await age(t, "state = 'succeeded'");
  await t.store.query({ name: '', text: "update cloudcode.runs set attempt_limit = 1" });
  const waiting = await scheduleRun(t.store, 'testing', { task: 'noop' });
  await t.store.query({ name: '', text: `update cloudcode.runs set attempt_limit = 1 where id = '${waiting.id}'` });
  const [dying] = await t.claim(1);
  assert.ok(dying !== undefined);
  assert.equal(await t.finish({ ...dying, attemptLimit: 1 }, 'killed'), 'dead');
  await age(t, "state = 'dead'");
  const old = await scheduleRun(t.store, 'testing', { task: 'noop' });
  await t.store.query({ name: '', text: `update cloudcode.runs set created_at = now() - interval '1 year' where id = '${old.id}'` });
  assert.equal(await pruneRuns(t.store, never), 20);
  assert.deepEqual([await rows(t, 'runs'), await rows(t, 'attempts'), await rows(t, 'log_lines')], [7, 6, 5]);
});

test('of finished runs no more are kept than the environment says: the newest', async () => {
  await using t = await testStore();
  await finished(t, 30, 'returned');
  await t.store.query({ name: '', text: "update cloudcode.runs set finished_at = now() - seq * interval '1 second'" });
  await setRetention(t.store, t.environmentId, { days: 30, runs: 10 });
  assert.equal(await pruneRuns(t.store, never), 20);
  const [row] = await t.store.query<{ last: number }>({ name: '', text: 'select max(seq)::integer as last from cloudcode.runs' });
  assert.equal(row?.last, 10);
  await setRetention(t.store, t.environmentId, { days: 30, runs: 0 });
  assert.equal(await pruneRuns(t.store, never), 10);
});

test('many are forgotten in slices, by several runners at once', async () => {
  await using t = await testStore();
  for (let round = 0; round < 13; round += 1) await finished(t, 100, 'returned');
  await age(t, 'true');
  const counts = await Promise.all([pruneRuns(t.store, never), pruneRuns(t.store, never)]);
  assert.equal(counts.reduce((sum, count) => sum + count), 1300);
  assert.equal(await rows(t, 'runs'), 0);
});
