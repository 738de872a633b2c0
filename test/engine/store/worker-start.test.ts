import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { listTasks } from '../../../src/engine/operations/list-tasks.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { claimRuns } from '../../../src/engine/store/claim-runs.ts';
import { testStore } from '../../support/store.ts';

const bundle = { code: '', sourceMap: '{}', format: 'cjs' } as const;
const tasks = [
  { ...bundle, name: 'forks', config: { workerStart: 'fork' }, spawnNeed: 'sharp' },
  { ...bundle, name: 'needs', config: {}, spawnNeed: 'sharp' },
  { ...bundle, name: 'plain', config: {}, spawnNeed: null },
  { ...bundle, name: 'spawns', config: { workerStart: 'spawn' }, spawnNeed: null },
] as const;

test("how a task is started is what it says itself, else what it needs, else what the project says, else the machine's choice", async () => {
  await using t = await testStore();
  const deploy = async (defaults: { readonly workerStart?: 'spawn' | 'fork' }) => {
    const { spawned, changed } = await deployProject(t.store, 'testing', {
      folder: '/nowhere',
      tasks,
      config: { defaults },
    });
    return [
      Object.fromEntries((await listTasks(t.store, 'testing')).map(({ name, config }) => [name, config.workerStart])),
      spawned,
      changed,
    ];
  };
  const spawned = [{ task: 'needs', need: 'sharp' }];
  assert.deepEqual(await deploy({}), [
    { forks: 'fork', needs: 'spawn', plain: undefined, spawns: 'spawn' },
    spawned,
    true,
  ]);
  assert.deepEqual(await deploy({ workerStart: 'fork' }), [
    { forks: 'fork', needs: 'spawn', plain: 'fork', spawns: 'spawn' },
    spawned,
    true,
  ]);
  assert.deepEqual(await deploy({ workerStart: 'spawn' }), [
    { forks: 'fork', needs: 'spawn', plain: 'spawn', spawns: 'spawn' },
    spawned,
    true,
  ]);
  await deploy({});
  for (const { name } of tasks) await scheduleRun(t.store, 'testing', { task: name });
  const claimed = await claimRuns(t.store, { runnerId: t.runnerId, limit: 10, after: 0 });
  assert.deepEqual(Object.fromEntries(claimed.map(({ task, workerStart }) => [task, workerStart])), {
    forks: 'fork',
    needs: 'spawn',
    plain: null,
    spawns: 'spawn',
  });
});
