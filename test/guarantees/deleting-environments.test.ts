import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { environmentData as data } from '../../src/data/extension.ts';
import { dataInProject } from '../../src/data/source/project-extension.ts';
import { answerOnce } from '../../src/engine/operations/answer-once.ts';
import { cancelRun } from '../../src/engine/operations/cancel-run.ts';
import { deleteEnvironment, describeEnvironment } from '../../src/engine/operations/delete-environment.ts';
import { deployProject } from '../../src/engine/operations/deploy-project.ts';
import { pruneUnused } from '../../src/engine/operations/prune-deployments.ts';
import { createEnvironment, listEnvironments } from '../../src/engine/operations/environments.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { type MasterKeys, openMasterKeys } from '../../src/engine/operations/master-key.ts';
import { pauseQueue } from '../../src/engine/operations/pause-queue.ts';
import { retryRun } from '../../src/engine/operations/retry-run.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { setVariables } from '../../src/engine/operations/variables.ts';
import type { Queryable, Store } from '../../src/engine/store/open-store.ts';
import { readEnvironmentId } from '../../src/engine/store/read-runs.ts';
import { deployable } from '../../src/main/deployable.ts';
import { buildProject } from '../../src/project/build-project.ts';
import { databaseText } from '../support/database-text.ts';
import { processesOf } from '../support/stage.ts';
import { type Runtime, startRuntime, until, writeProject } from '../support/runtime.ts';

const schema = '<data-model><model name="thing"><field name="title" type="text" /></model></data-model>';
/** `environment` stands in the code, so that it is nobody else's. */
const tasksOf = (environment: string): Record<string, string> => ({
  keeps: `export async function run({ title }) { console.log('keeps ${environment}'); await DB.thing.create({ title }).save(); return title; }`,
  fails: `export async function run() { process.exit(1); }`,
  waits: `export async function run() { process.on('SIGTERM', () => undefined); console.log('waits'); await new Promise(() => setInterval(() => undefined, 1000)); }`,
  'schema.xml': schema,
});

describe('deleting an environment', { timeout: 300_000 }, () => {
  let runtime: Runtime;
  let folder = '';
  let keys: MasterKeys;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cloudcode-keys-'));
    keys = openMasterKeys(folder);
    runtime = await startRuntime(tasksOf('testing'), { keys, concurrency: 4 });
  });
  after(async () => {
    await runtime[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const ended = (environment: string, id: string) =>
    until(30_000, `run ${id} is finished`, async () =>
      (await getRun(runtime.store, environment, id)).finishedAt === null ? null : true,
    );
  const deploy = async (environment: string): Promise<void> => {
    const project = writeProject(tasksOf(environment));
    try {
      const built = await buildProject(project, { extension: dataInProject });
      await deployProject(runtime.store, environment, deployable(built));
      const broken = { name: 'broken', problem: { code: 'task_broken', message: `broken ${environment}`, hint: '' } };
      await deployProject(runtime.store, environment, { ...deployable(built), broken: [broken] } as never);
    } finally {
      rmSync(project, { recursive: true });
    }
  };
  /** Something of every kind. @returns the ids of its runs */
  const fill = async (environment: string): Promise<readonly string[]> => {
    const { store } = runtime;
    await deploy(environment);
    const variables = [
      { name: 'PLAIN', value: `plain ${environment}` },
      { name: 'MASKED', value: `masked ${environment}`, masked: true },
    ];
    await setVariables(store, environment, { variables, keys });
    const schedule = async (task: string, options: object = {}): Promise<string> =>
      (await scheduleRun(store, environment, { task, ...options }, runtime.runner)).id;
    const done = await schedule('keeps', { parameters: { title: `title ${environment}` }, queue: 'q' });
    const crashed = await schedule('fails');
    await until(30_000, 'it is in back-off', async () =>
      (await getRun(store, environment, crashed)).attempts.length > 0 ? true : null,
    );
    await ended(environment, done);
    assert.equal((await getRun(store, environment, done)).state, 'succeeded');
    const cancelled = await schedule('keeps', { after: 3_600_000 });
    await cancelRun(store, environment, cancelled);
    await pauseQueue(store, environment, 'paused');
    const waiting = [
      await schedule('keeps', { after: 3_600_000 }),
      await schedule('keeps', { queue: 'paused' }),
      await schedule('keeps', { queue: 'paused', key: 'k' }),
    ];
    await answerOnce(
      store,
      { environment, operation: 'runs.schedule', key: `key ${environment}`, body: 1 },
      async () => ({
        answer: { status: 201, location: null, text: '1' },
        onCommitted: () => undefined,
      }),
    );
    return [done, crashed, cancelled, ...waiting];
  };
  const remove = (environment: string, on: Store = runtime.store, signal = new AbortController().signal) =>
    deleteEnvironment(on, environment, { data, signal, onProgress: () => undefined });
  /** Fails for every row of every table that names it or what was in it. */
  const assertGone = async (environment: string, id: number, runIds: readonly string[]): Promise<void> => {
    const text = await databaseText(runtime.store);
    for (const part of [environment, ...runIds]) {
      const at = text.indexOf(part);
      assert.equal(at, -1, `${part}: …${text.slice(Math.max(0, at - 200), at + 200)}…`);
    }
    const tables = await runtime.store.query<{ name: string }>({
      name: '',
      text: `select format('%I.%I', table_schema, table_name) as name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
        where column_name = 'environment_id' and table_schema = 'cloudcode' and table_type = 'BASE TABLE'`,
    });
    assert.ok(tables.length > 8);
    for (const { name } of tables)
      assert.deepEqual(
        await runtime.store.query({ name: '', text: `select * from ${name} where environment_id = ${id}` }),
        [],
        name,
      );
    const schemas = await runtime.store.query<{ name: string }>({
      name: '',
      text: 'select nspname as name from pg_namespace',
    });
    assert.equal(
      schemas.some(({ name }) => name.includes(environment)),
      false,
    );
    assert.equal(
      (await listEnvironments(runtime.store)).some(({ name }) => name === environment),
      false,
    );
  };
  const idOf = async (environment: string) => (await readEnvironmentId(runtime.store, environment)) ?? 0;

  it('leaves nothing of it and touches nothing of another; what runs is cancelled, and its processes are gone first', async () => {
    const { store, runner } = runtime;
    await createEnvironment(store, 'doomed-one');
    const runIds = await fill('doomed-one');
    await fill('staging');
    const running = await scheduleRun(store, 'doomed-one', { task: 'waits', queue: 'of-waits' }, runner);
    await until(20_000, 'it waits', async () => {
      const [row] = await store.query({
        name: '',
        text: `select 1 from cloudcode.log_lines where run_id = '${running.id}' and message = 'waits'`,
      });
      return row ?? null;
    });
    const { pid } = (await getRun(store, 'doomed-one', running.id)).attempts[0] ?? {};
    const id = await idOf('doomed-one');
    const contents = await describeEnvironment(store, 'doomed-one', data);
    assert.deepEqual(contents, { runs: 7, running: 1, variables: 2, deployments: 2, queues: 1, objects: 1 });
    const others = async () => describeEnvironment(store, 'staging', data);
    const before = await others();
    const steps: string[] = [];
    const isAlive = (): boolean => processesOf(runner.id).includes(Number(pid));
    const deleted = await deleteEnvironment(store, 'doomed-one', {
      data,
      signal: new AbortController().signal,
      onProgress: (step) => {
        steps.push(step);
        if (step === 'deleting runs') assert.equal(isAlive(), false);
      },
    });
    assert.deepEqual(deleted, contents);
    assert.ok(steps.includes('waiting until the processes of 1 run are gone'), steps.join());
    await assertGone('doomed-one', id, [...runIds, running.id]);
    assert.deepEqual(await others(), before);
    assert.match(await databaseText(store), /plain staging/);
    const again = await scheduleRun(store, 'staging', { task: 'keeps', parameters: { title: 'after' } }, runner);
    await ended('staging', again.id);
    assert.equal((await getRun(store, 'staging', again.id)).state, 'succeeded');
    assert.deepEqual(
      await store.query({
        name: '',
        text: "select * from cloudcode.check_store() where problem <> 'a running run of no claim'",
      }),
      [],
    );
  });

  it('interrupted at any statement and asked again, it goes on', async () => {
    const { store } = runtime;
    for (let statements = 0, isDone = false; !isDone; statements += statements < 12 ? 1 : 5) {
      const name = `doomed-after-${statements}-end`;
      await createEnvironment(store, name);
      await deploy(name);
      await setVariables(store, name, { variables: [{ name: 'MASKED', value: `masked ${name}`, masked: true }], keys });
      const run = await scheduleRun(
        store,
        name,
        { task: 'keeps', parameters: { title: name }, queue: 'paused' },
        runtime.runner,
      );
      await ended(name, run.id);
      await pauseQueue(store, name, 'paused');
      const waiting = await scheduleRun(store, name, { task: 'keeps', queue: 'paused' });
      const id = await idOf(name);
      isDone = await remove(name, breaking(store, statements)).then(
        () => true,
        (error: unknown) => {
          assert.match(String(error), /broken off/);
          return false;
        },
      );
      if (!isDone && (await idOf(name)) !== 0) await remove(name);
      // Where the environment itself is gone already, code that nobody has goes as runners prune.
      else if (!isDone) await pruneUnused(store, new AbortController().signal);
      await assertGone(name, id, [run.id, waiting.id]);
    }
  });

  it('meanwhile nothing is added to it, and that is said', async () => {
    const { store, runner } = runtime;
    await createEnvironment(store, 'doomed-two');
    const [done = '', ...rest] = await fill('doomed-two');
    const running = await scheduleRun(store, 'doomed-two', { task: 'waits' }, runner);
    await until(20_000, 'it runs', async () =>
      (await getRun(store, 'doomed-two', running.id)).state === 'running' ? true : null,
    );
    const id = await idOf('doomed-two');
    const stopping = new AbortController();
    const cancelled = rest[1] ?? '';
    const refused: unknown[] = [];
    const interrupted = await deleteEnvironment(store, 'doomed-two', {
      data,
      signal: stopping.signal,
      onProgress: (step) => {
        if (/waiting until/.test(step)) stopping.abort();
      },
    });
    assert.equal(interrupted, null);
    const asking: (() => Promise<unknown>)[] = [
      () => scheduleRun(store, 'doomed-two', { task: 'keeps' }),
      () => scheduleRun(store, 'doomed-two', { task: 'keeps', key: 'k2', queue: 'q' }),
      () => setVariables(store, 'doomed-two', { variables: [{ name: 'A', value: 'b' }], keys }),
      () => pauseQueue(store, 'doomed-two', 'q'),
      () => deploy('doomed-two'),
      () => retryRun(store, 'doomed-two', cancelled),
    ];
    for (const ask of asking)
      refused.push(
        await ask().then(
          () => 'done',
          (error: unknown) => (error as { readonly code: string }).code,
        ),
      );
    assert.deepEqual(
      refused,
      asking.map(() => 'environment_deleting'),
    );
    assert.equal((await listEnvironments(store)).find(({ name }) => name === 'doomed-two')?.deleting, true);
    assert.notEqual(await remove('doomed-two'), null);
    await assertGone('doomed-two', id, [done, ...rest, running.id]);
    for (const ask of asking.slice(0, 5)) await assert.rejects(ask, { code: 'environment_not_found' });
  });

  it('two at once do it once, and a new one of the same name has nothing of it', async () => {
    await createEnvironment(runtime.store, 'doomed-three');
    const runIds = await fill('doomed-three');
    const id = await idOf('doomed-three');
    await Promise.allSettled([remove('doomed-three'), remove('doomed-three')]);
    await assertGone('doomed-three', id, runIds);
    await createEnvironment(runtime.store, 'doomed-three');
    const contents = await describeEnvironment(runtime.store, 'doomed-three', data);
    assert.deepEqual(contents, { runs: 0, running: 0, variables: 0, deployments: 0, queues: 0, objects: 0 });
    await remove('doomed-three');
  });
});

/** A store whose process ends after so many statements. */
function breaking(store: Store, statements: number): Store {
  let left = statements;
  const counting = (db: Queryable): Queryable => ({
    query: (statement) => {
      if (left === 0) return Promise.reject(new Error('broken off'));
      left -= 1;
      return db.query(statement);
    },
  });
  return {
    ...store,
    query: counting(store).query,
    transaction: (work) => store.transaction((db) => work(counting(db))),
  };
}
