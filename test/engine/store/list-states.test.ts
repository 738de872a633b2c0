import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listRuns } from '../../../src/engine/operations/list-runs.ts';
import { retryRun } from '../../../src/engine/operations/retry-run.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { alterRuns, testStore } from '../../support/store.ts';

test('a list of one state has exactly the runs of that state, newest first, in pages, and heeds the other filters', async () => {
  await using t = await testStore();
  for (let number = 0; number < 12; number += 1)
    await scheduleRun(t.store, 'testing', {
      task: number % 2 === 0 ? 'noop' : 'other',
      ...(number % 3 === 0 ? { queue: `q${number}` } : {}),
    });
  const claimed = await t.claim(9);
  await alterRuns(t.store, 'update cloudcode.runs set attempt_limit = attempt_count where attempt_count > 0');
  for (const run of claimed.slice(0, 2)) await t.finish({ ...run, attemptLimit: run.attempt }, 'lost');
  for (const run of claimed.slice(2, 6)) await t.finish(run, 'returned');
  const [dead] = (await listRuns(t.store, 'testing', { state: 'dead' })).runs;
  assert.ok(dead !== undefined);
  const all = (await listRuns(t.store, 'testing', {})).runs;
  assert.equal(all.length, 12);
  for (const state of ['queued', 'running', 'succeeded', 'dead', 'failed'] as const) {
    for (const filter of [{}, { task: 'noop' }, { queue: 'q0' }]) {
      const expected = all.filter(
        (run) =>
          run.state === state &&
          (!('task' in filter) || run.task === filter.task) &&
          (!('queue' in filter) || run.queue === filter.queue),
      );
      const listed: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await listRuns(t.store, 'testing', {
          state,
          ...filter,
          limit: 2,
          ...(cursor === undefined ? {} : { cursor }),
        });
        listed.push(...page.runs.map(({ id }) => id));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      assert.deepEqual(
        listed,
        expected.map(({ id }) => id),
        `${state} ${JSON.stringify(filter)}`,
      );
    }
  }
  await retryRun(t.store, 'testing', dead.id);
  const left = (await listRuns(t.store, 'testing', { state: 'dead' })).runs.map(({ id }) => id);
  assert.equal(left.includes(dead.id), false, 'it waits again');
});
