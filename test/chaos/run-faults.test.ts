import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runFaults } from '../../src/chaos/faults/run-faults.ts';
import { makeScratchFolder } from '../../src/chaos/scratch/scratch-folder.ts';
import { openWitnessFile } from '../../src/chaos/witness/witness-file.ts';
import { cancelRun } from '../../src/engine/operations/cancel-run.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { until } from '../support/until.ts';
import { testStore } from '../support/store.ts';

test(
  'a fault that finds nothing to strike waits while runs are to come or under way; then more are scheduled for it, and it is given up after a few',
  { timeout: 60_000 },
  async () => {
    await using t = await testStore();
    const scratch = await makeScratchFolder();
    try {
      const progress = { runs: 1, faults: 1, runsScheduled: 0, faultsBegun: 0 };
      let isOver = false;
      let looks = 0;
      let scheduledMore = 0;
      const hasLookedAgain = async (): Promise<void> => {
        const before = looks;
        await until(20_000, 'it has tried again', () => (looks > before + 4 || isOver ? true : null));
      };
      const making = runFaults(
        [{ kind: 'worker_killed', atMs: 0, lastsMs: 0, runner: 0, choice: 0 }],
        {
          // None of which could have a worker. It looks for one each time that it tries.
          get runners() {
            looks += 1;
            return [];
          },
          database: { url: t.store.url, restart: null, close: () => Promise.resolve() },
          store: t.store,
          queues: [],
          witness: openWitnessFile(scratch.witnessFile),
          acknowledged: [],
          clockOf: scratch.clockOf,
          scheduleMore: async () => {
            const more = await scheduleRun(t.store, 'testing', { task: 'noop' });
            await cancelRun(t.store, 'testing', more.id);
            scheduledMore += 1;
          },
          stopping: new AbortController().signal,
        },
        progress,
      ).finally(() => (isOver = true));
      await hasLookedAgain();
      assert.equal(isOver, false, 'a run is still to come');
      const { id } = await scheduleRun(t.store, 'testing', { task: 'noop' });
      progress.runsScheduled = 1;
      await hasLookedAgain();
      assert.equal(isOver, false, 'a run waits');
      assert.equal(scheduledMore, 0);
      await cancelRun(t.store, 'testing', id);
      assert.deepEqual(await making, []);
      assert.equal(scheduledMore, 10);
    } finally {
      scratch.remove();
    }
  },
);
