import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isFinal, type Run } from '../../../src/engine/core/run.ts';
import { dataExtension } from '../../../src/data/extension.ts';
import { dataInProject } from '../../../src/data/source/project-extension.ts';
import { deployable } from '../../../src/main/deployable.ts';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { getRun } from '../../../src/engine/operations/get-run.ts';
import { listQueues } from '../../../src/engine/operations/list-queues.ts';
import { listRuns } from '../../../src/engine/operations/list-runs.ts';
import { listTasks } from '../../../src/engine/operations/list-tasks.ts';
import { resumeQueue } from '../../../src/engine/operations/pause-queue.ts';
import { readLogs } from '../../../src/engine/operations/logs.ts';
import { retryRun } from '../../../src/engine/operations/retry-run.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { packageRoot } from '../../../src/package-root.ts';
import { buildProject } from '../../../src/project/build-project.ts';
import { endBundler } from '../../../src/project/bundle.ts';
import { type Runner, startRunner } from '../../../src/engine/runner/start-runner.ts';
import { migrate } from '../../../src/engine/store/migrate.ts';
import { openStore, type Store } from '../../../src/engine/store/open-store.ts';
import { runOn, type TestDatabase, testDatabaseUrl } from '../../support/postgres.ts';
import { until, writeProject } from '../../support/runtime.ts';

/** Made by the version that had migration 0012 (its README says how), with a runner at work in it: a dump of all that it holds. */
const dump = join(packageRoot, 'test/fixtures/upgrade/0012.sql');

/** What makes up the schema, without names that PostgreSQL gives by order. */
const shape = `
  select 'column' as kind, table_name || '.' || column_name as name, concat_ws(' ', data_type, is_nullable, column_default, is_generated, identity_generation) as definition
  from information_schema.columns where table_schema = 'cloudcode'
  union all select 'index', indexname, indexdef from pg_indexes where schemaname = 'cloudcode'
  union all select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) from pg_constraint where connamespace = 'cloudcode'::regnamespace and contype <> 'n'
  union all select 'function', oid::regprocedure::text, prosrc from pg_proc where pronamespace = 'cloudcode'::regnamespace
  union all select 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
  union all select 'storage', attrelid::regclass || '.' || attname, attstorage::text from pg_attribute where attrelid in (select oid from pg_class where relnamespace = 'cloudcode'::regnamespace and relkind = 'r') and attnum > 0 and not attisdropped
  union all select 'options', relname, array_to_string(reloptions, ' ') from pg_class where relnamespace = 'cloudcode'::regnamespace and reloptions is not null
  order by 1, 2`;

describe('a database of an older version, filled by it, goes on', { timeout: 240_000 }, () => {
  let database: TestDatabase;
  let store: Store;
  let machineFolder: string;
  let runner: Runner | null = null;
  before(async () => {
    database = await testDatabaseUrl();
    await runOn(database.url, readFileSync(dump, 'utf8'));
    store = await openStore({ url: database.url });
    machineFolder = mkdtempSync(join(tmpdir(), 'cloudcode-test upgrade-'));
  });
  after(async () => {
    await runner?.stop({ drainMs: 0 });
    await store.close();
    await database.dispose();
    await endBundler();
    rmSync(machineFolder, { recursive: true });
  });

  const all = async (): Promise<readonly Run[]> => (await listRuns(store, 'testing', { limit: 100 })).runs;
  const summary = async (): Promise<readonly string[]> =>
    (await all()).map(({ task, state, queue }) => [task, state, queue ?? ''].join(' ')).toSorted();
  const ended = async (id: string): Promise<Run> =>
    until(60_000, `run ${id} is finished`, async () => {
      const now = await getRun(store, 'testing', id);
      return isFinal(now.state) ? now : null;
    });

  it('its schema becomes that of a fresh one', async () => {
    const fresh = await testDatabaseUrl();
    const other = await openStore({ url: fresh.url });
    await migrate(other);
    await migrate(store);
    assert.deepEqual(await store.query({ name: '', text: shape }), await other.query({ name: '', text: shape }));
    await other.close();
    await fresh.dispose();
  });

  it('its runs, tasks, queues and logs are listed as they were', async () => {
    assert.deepEqual(await summary(), [
      'answer cancelled ',
      'answer queued ',
      'answer queued paused',
      'answer scheduled ',
      'answer succeeded ',
      'counts queued orders',
      'counts queued orders',
      'counts queued orders',
      'crashes dead ',
      'fails failed ',
      'fills succeeded ',
      'holds running orders',
    ]);
    const answered = (await all()).find(({ task, state }) => task === 'answer' && state === 'succeeded');
    assert.deepEqual(answered?.result, { n: 1, greeting: 'Hello you', day: '2026-03-01' });
    assert.deepEqual(
      (await readLogs(store, 'testing', answered.id, 0)).lines.map(({ message }) => message),
      ['answering 1'],
    );
    assert.deepEqual(
      (await listTasks(store, 'testing')).map(({ name }) => name),
      ['answer', 'counts', 'crashes', 'fails', 'fills', 'holds'],
    );
    assert.deepEqual((await listQueues(store, 'testing')).queues.map(({ name, paused }) => [name, paused]).toSorted(), [
      ['orders', false],
      ['paused', true],
    ]);
  });

  it('what waited runs, in order, with the code and the data that it had; what ran when its runner died is tried again', async () => {
    runner = await startRunner({ store, extension: dataExtension, folder: null, machineFolder, concurrency: 2 });
    const orders = (await all())
      .filter(({ queue }) => queue === 'orders')
      .toSorted((one, other) => (one.createdAt < other.createdAt ? -1 : 1));
    const results = await Promise.all(orders.map(async ({ id }) => (await ended(id)).result));
    const of = { shelf: 'top', bought: '2026-01-31' };
    assert.deepEqual(results, [2, { count: 8, ...of }, { count: 8, ...of }, { count: 9, ...of }]);
    const starts = await Promise.all(
      orders.map(async ({ id }) => (await getRun(store, 'testing', id)).startedAt ?? ''),
    );
    assert.deepEqual(starts, starts.toSorted());
    await resumeQueue(store, 'testing', 'paused');
    const paused = (await all()).find(({ queue }) => queue === 'paused');
    assert.deepEqual((await ended(paused?.id ?? '')).result, {
      n: 50,
      greeting: 'Hello you',
      version: 2,
      day: '2026-03-01',
    });
    const dead = (await all()).find(({ task }) => task === 'crashes');
    await retryRun(store, 'testing', dead?.id ?? '');
    assert.equal((await ended(dead?.id ?? '')).state, 'dead');
    await until(30_000, 'those that the others have scheduled are over', async () =>
      (await summary()).filter((line) => line === 'answer succeeded ').length === 5 ? true : null,
    );
    assert.equal(
      (await summary()).filter((line) => line === 'answer scheduled ').length,
      1,
      'the one of the year 2126',
    );
  });

  it('and is deployed to: new tasks and a larger data model work beside what was stored', async () => {
    const folder = writeProject({
      'node_modules/greeter/package.json': '{ "name": "greeter", "version": "2.0.0", "main": "index.js" }',
      'node_modules/greeter/index.js': 'exports.greet = (whom) => `Hi ${whom}`;',
      'schema.xml': `<data-model>
        <model name="item" label="Item">
          <field name="name" label="Name" type="text:name"/><field name="count" label="Count" type="number"/><field name="bought" label="Bought" type="date"/><field name="note" label="Note" type="text"/>
          <field name="state" label="State" type="single-choice"><option key="new">New</option><option key="old">Old</option></field>
          <belongs-to model="shelf"/><index on="name"/><display>{name}</display>
        </model>
        <model name="shelf" label="Shelf"><field name="name" label="Name" type="text:name"/><has-many model="item" name="items"/><display>{name}</display></model>
      </data-model>`,
      'cloudcode.config.ts': 'export default { retention: { days: 36500 } };',
      sums: "import { greet } from 'greeter';\nexport async function run() {\n  const items = await DB.item.all().orderBy('name').toArray();\n  await DB.item.increment(items[0].id, { count: 0.5 });\n  return [greet('there'), ...items.map((item) => [item.name, item.count, item.note, item.state])];\n}",
    });
    await deployProject(store, 'testing', deployable(await buildProject(folder, { extension: dataInProject })));
    rmSync(folder, { recursive: true });
    const { id } = await scheduleRun(store, 'testing', { task: 'sums' });
    assert.deepEqual((await ended(id)).result, ['Hi there', ['ink', 8, null, 'old'], ['pen', 9, null, 'old']]);
  });
});
