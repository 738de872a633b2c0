import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isFinal } from '../../../src/engine/core/run.ts';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { getRun } from '../../../src/engine/operations/get-run.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { startRunner } from '../../../src/engine/runner/start-runner.ts';
import { noopTask, testStore } from '../../support/store.ts';
import { until } from '../../support/until.ts';

const code = `exports.run = async () => {
  const one = await CloudCode.scheduleTask({ task: 'noop' });
  const many = await CloudCode.scheduleTasks([{ task: 'noop' }, { task: 'noop', key: 'k' }, { task: 'noop', key: 'k' }]);
  return { scheduled: [one, ...many].map(({ id }) => id), globals: ['DB', 'Day', 'Attachment'].map((name) => name in globalThis) };
};`;

test('the engine runs tasks, and batches of runs, where nothing is added to it', async () => {
  await using t = await testStore();
  const machineFolder = mkdtempSync(join(tmpdir(), 'no-extension-'));
  try {
    await deployProject(t.store, 'testing', {
      folder: '/nowhere',
      tasks: [noopTask, { ...noopTask, name: 'caller', code }],
      config: {},
    });
    await using _runner = await startRunner({ store: t.store, folder: null, machineFolder, concurrency: 2 });
    const ended = (id: string) =>
      until(30_000, `run ${id} has ended`, async () => {
        const run = await getRun(t.store, 'testing', id);
        return isFinal(run.state) ? run : null;
      });
    const { id } = await scheduleRun(t.store, 'testing', { task: 'caller' });
    const { state, result } = await ended(id);
    assert.equal(state, 'succeeded');
    const { scheduled, globals } = result as { readonly scheduled: readonly string[]; readonly globals: unknown };
    assert.deepEqual(globals, [false, false, false]);
    assert.equal(new Set(scheduled).size, 3, 'two of the four are one run, by their key');
    for (const each of scheduled) assert.equal((await ended(each)).state, 'succeeded');
  } finally {
    rmSync(machineFolder, { recursive: true, force: true });
  }
});
