import { defaultRetention } from '../../../src/engine/core/retention.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataDeployment } from '../../../src/data/extension.ts';
import type { DataModel } from '../../../src/data/model/data-model.ts';
import { bundleHash } from '../../../src/contents/bundle-hash.ts';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { listRuns } from '../../../src/engine/operations/list-runs.ts';
import { pruneOldDeployments } from '../../../src/engine/operations/prune-deployments.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import {
  activateDeployment,
  holdBundles,
  insertBundle,
  insertDeployment,
  insertTasks,
  readBundle,
} from '../../../src/engine/store/deployments.ts';
import { lockEnvironment } from '../../../src/engine/store/environments.ts';
import { insertRun } from '../../../src/engine/store/insert-run.ts';
import { openSession, type Session } from '../../../src/engine/store/open-session.ts';
import { deleteUnusedBundles, lockBundles } from '../../../src/engine/store/prune-deployments.ts';
import { until } from '../../support/runtime.ts';
import { alterRuns, noopTask, testStore, type TestStore } from '../../support/store.ts';

const never = new AbortController().signal;

/** A deployment of its own: tasks with these names, and code that no other has. */
function version(number: number, ...names: readonly string[]) {
  return {
    folder: '/nowhere',
    tasks: names.map((name) => ({ ...noopTask, name, code: `exports.run = async () => '${name} ${number}'` })),
    config: {},
  };
}

async function deployVersions(t: TestStore, from: number, to: number, ...names: readonly string[]): Promise<void> {
  for (let number = from; number <= to; number += 1) await deployProject(t.store, 'testing', version(number, ...names));
}

interface Whole {
  readonly deployment: number;
  readonly tasks: readonly string[];
}

/** The deployments that have their tasks, and how many there are of everything else. */
async function kept(
  t: TestStore,
): Promise<{ readonly whole: readonly number[]; readonly pruned: number; readonly bundles: number }> {
  const whole = await t.store.query<Whole>({
    name: '',
    text: 'select deployment_id::integer as deployment, array_agg(name) as tasks from cloudcode.tasks group by 1 order by 1',
  });
  const [row] = await t.store.query<{ pruned: number; bundles: number }>({
    name: '',
    text: "select (select count(*) from cloudcode.deployments where pruned_at is not null and digest <> '')::integer as pruned, (select count(*) from cloudcode.bundles)::integer as bundles",
  });
  return { whole: whole.map(({ deployment }) => deployment), pruned: row?.pruned ?? 0, bundles: row?.bundles ?? 0 };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

test('of deployments the newest ten stay whole, and of the others the rows: their bundles and data models go', async () => {
  await using t = await testStore();
  const dataModel: DataModel = { models: [] };
  await deployProject(t.store, 'testing', { ...version(2, 'noop'), extension: dataDeployment(dataModel) });
  await deployVersions(t, 3, 15, 'noop');
  assert.deepEqual(await kept(t), { whole: range(1, 15), pruned: 0, bundles: 15 });
  assert.equal(await pruneOldDeployments(t.store, never), 5);
  assert.deepEqual(await kept(t), { whole: range(6, 15), pruned: 5, bundles: 10 });
  const models = await t.store.query({ name: '', text: 'select hash from cloudcode.data_models' });
  assert.deepEqual(models, []);
  assert.equal(await pruneOldDeployments(t.store, never), 0);
});

test('what was pruned and is deployed again is whole again', async () => {
  await using t = await testStore();
  await deployVersions(t, 2, 14, 'noop');
  await pruneOldDeployments(t.store, never);
  assert.deepEqual(await deployProject(t.store, 'testing', version(2, 'noop')).then(({ changed }) => changed), true);
  await scheduleRun(t.store, 'testing', { task: 'noop' });
  const [run] = await t.claim();
  assert.equal((await readBundle(t.store, run?.bundleHash ?? ''))?.code, "exports.run = async () => 'noop 2'");
});

test('a run that waits or can be retried keeps the newest deployment with its task; one that succeeded is listed without', async () => {
  await using t = await testStore();
  const tasks = ['waits', 'failed', 'succeeded'];
  await deployVersions(t, 2, 4, ...tasks);
  for (const task of ['failed', 'succeeded']) {
    await scheduleRun(t.store, 'testing', { task });
    for (const run of await t.claim()) await t.finish(run, task === 'failed' ? 'threw' : 'returned');
  }
  const waiting = await scheduleRun(t.store, 'testing', { task: 'waits', after: 600_000 });
  await deployVersions(t, 5, 5, 'failed');
  await deployVersions(t, 6, 17, 'noop');
  await pruneOldDeployments(t.store, never);
  assert.deepEqual(
    (await kept(t)).whole,
    [4, 5, ...range(8, 17)],
    'the newest with `waits`, and the newest with `failed`',
  );
  assert.deepEqual(
    (await listRuns(t.store, 'testing', {})).runs.map(({ task }) => task),
    ['waits', 'succeeded', 'failed'],
  );
  await alterRuns(t.store, `update cloudcode.runs set due_at = now() where id = '${waiting.id}'`);
  const [run] = await t.claim();
  assert.equal((await readBundle(t.store, run?.bundleHash ?? ''))?.code, "exports.run = async () => 'waits 4'");
});

test('an attempt under way keeps the deployment that it was begun with', async () => {
  await using t = await testStore();
  await deployVersions(t, 2, 3, 'noop');
  await scheduleRun(t.store, 'testing', { task: 'noop' });
  const [run] = await t.claim();
  assert.ok(run !== undefined);
  await deployVersions(t, 4, 16, 'noop');
  await pruneOldDeployments(t.store, never);
  assert.deepEqual((await kept(t)).whole, [3, ...range(7, 16)]);
  assert.notEqual(await readBundle(t.store, run.bundleHash), null);
  await t.finish(run, 'returned');
  await pruneOldDeployments(t.store, never);
  assert.deepEqual((await kept(t)).whole, range(7, 16));
  assert.equal(await readBundle(t.store, run.bundleHash), null);
});

/** A session with an open transaction, which may stay open as long as the rest takes. */
async function begin(t: TestStore): Promise<Session> {
  const session = await openSession(t.store.url);
  await session.query({ name: '', text: 'set idle_in_transaction_session_timeout = 0; begin' });
  return session;
}

const commit = (session: Session): Promise<unknown> => session.query({ name: '', text: 'commit' });

test('a run that is being added while its task is removed and pruned finds its task', async () => {
  await using t = await testStore();
  await deployVersions(t, 2, 2, 'removed');
  await using session = await begin(t);
  const id = '00000000-0000-4000-8000-000000000001';
  await insertRun(session, 'testing', {
    id,
    task: 'removed',
    parametersJson: '{}',
    queue: null,
    key: null,
    at: null,
    afterMs: null,
  });
  await deployVersions(t, 3, 13, 'noop');
  await assert.rejects(pruneOldDeployments(t.store, never), { code: 'database_unreachable', message: /lock timeout/ });
  await commit(session);
  assert.equal(await pruneOldDeployments(t.store, never), 2, 'the first, and one of the others');
  assert.deepEqual(
    (await t.claim()).map((run) => [run.id, run.task]),
    [[id, 'removed']],
  );
});

test('a deployment that found its bundle there refers to it, while another prunes it', async () => {
  await using t = await testStore();
  const old = { ...noopTask, code: 'exports.run = async () => 2' };
  const hash = bundleHash(old);
  await insertBundle(t.store, { ...old, hash });
  await using session = await begin(t);
  const environmentId = (await lockEnvironment(session, 'staging'))?.id ?? 0;
  assert.deepEqual([...(await holdBundles(session, [hash, 'none']))], [hash]);
  await assert.rejects(pruneOldDeployments(t.store, never), { code: 'database_unreachable', message: /lock timeout/ });
  const deploymentId = await insertDeployment(session, {
    environmentId,
    settings: { variables: {}, retention: defaultRetention, policies: [] },
    digests: { code: 'd', settings: 'd' },
    folder: '/nowhere',
    stateHash: null,
  });
  await insertTasks(
    session,
    [{ name: 'noop', bundleHash: hash, config: { timeoutMs: 1, memoryMb: 1, maxAttempts: 1 } }],
    { deploymentId, environmentId },
  );
  await activateDeployment(session, environmentId, deploymentId);
  await commit(session);
  await pruneOldDeployments(t.store, never);
  assert.notEqual(await readBundle(t.store, hash), null);
});

test('a deployment that comes while its bundle is being pruned stores it again', async () => {
  await using t = await testStore();
  const [task] = version(2, 'noop').tasks;
  assert.ok(task !== undefined);
  const hash = bundleHash(task);
  await insertBundle(t.store, { ...task, hash });
  await using session = await begin(t);
  await lockBundles(session);
  assert.equal(await deleteUnusedBundles(session, 100), 1);
  const deployed = deployProject(t.store, 'testing', version(2, 'noop'));
  await until(10_000, 'it waits', async () =>
    (
      await t.store.query({
        name: '',
        text: "select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database()) and relation = 'cloudcode.bundles'::regclass",
      })
    ).length > 0
      ? true
      : null,
  );
  await commit(session);
  assert.equal((await deployed).changed, true);
  assert.notEqual(await readBundle(t.store, hash), null);
});

test('what a broken task goes on with stays whole, and its attempts have the data model and the folder of that deployment', async () => {
  await using t = await testStore();
  const dataModel: DataModel = { models: [] };
  await deployProject(t.store, 'testing', {
    ...version(2, 'good', 'broken'),
    folder: '/then',
    extension: dataDeployment(dataModel),
  });
  const broken = [
    { name: 'broken', problem: { code: 'task_broken', message: 'index.ts:1:1: no' } },
    { name: 'never', problem: { code: 'task_broken', message: 'index.ts:1:1: no' } },
  ] as const;
  for (let number = 3; number <= 15; number += 1) {
    const deployed = await deployProject(t.store, 'testing', { ...version(number, 'good'), broken });
    assert.deepEqual(deployed.tasks, ['broken', 'good']);
    assert.deepEqual(
      deployed.broken.map(({ name, goesOn }) => [name, goesOn?.folder]),
      [
        ['broken', '/then'],
        ['never', undefined],
      ],
    );
  }
  assert.equal((await deployProject(t.store, 'testing', { ...version(15, 'good'), broken })).changed, false);
  await pruneOldDeployments(t.store, never);
  assert.deepEqual((await kept(t)).whole, [2, ...range(6, 15)]);
  await scheduleRun(t.store, 'testing', { task: 'broken' });
  const [run] = await t.claim();
  assert.deepEqual([run?.folder, run?.stateHash === null], ['/then', false]);
  assert.equal((await readBundle(t.store, run?.bundleHash ?? ''))?.code, "exports.run = async () => 'broken 2'");
  await assert.rejects(scheduleRun(t.store, 'testing', { task: 'never' }), { code: 'task_broken' });
  await deployProject(t.store, 'testing', version(16, 'good', 'broken'));
  await pruneOldDeployments(t.store, never);
  assert.ok((await kept(t)).whole.includes(2), 'deployments that are whole go on with it');
});
