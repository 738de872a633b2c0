import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { dataDeployment } from '../../../src/data/extension.ts';
import { applyStep } from '../../../src/data/tables/apply-step.ts';
import { takeTurns } from '../../../src/data/tables/take-turns.ts';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { openSession } from '../../../src/engine/store/open-session.ts';
import { openStore } from '../../../src/engine/store/open-store.ts';
import { noopTask } from '../../support/store.ts';
import { describeSchema, model, type TestTables, testTables } from './open-tables.ts';
import { fill, large, small } from './assets.ts';

interface Writers extends AsyncDisposable {
  /** Resolves when so many more writes have gone through. */
  more(count: number): Promise<void>;
  /** @returns how many writes there were, and the longest time that one took */
  stop(): Promise<{ readonly count: number; readonly maxMs: number }>;
}

/** Writes and reads without a pause until it is stopped. */
function keepWriting({ sql }: TestTables): Writers {
  const written = new EventEmitter();
  let [isStopped, count, maxMs] = [false, 0, 0];
  const write = async (): Promise<void> => {
    while (!isStopped) {
      const began = performance.now();
      const id = randomUUID();
      await sql(
        'insert into cloudcode_testing.asset (id, make, count) values ($1, $2, $3)',
        id,
        `written ${count}`,
        count,
      );
      await sql('update cloudcode_testing.asset set make = make where id = $1', id);
      await sql("select * from cloudcode_testing.asset where make = 'make 7'");
      maxMs = Math.max(maxMs, performance.now() - began);
      count += 1;
      written.emit('one');
    }
  };
  const writing = Promise.all([write(), write(), write()]);
  const stop: Writers['stop'] = async () => {
    isStopped = true;
    await writing;
    return { count, maxMs };
  };
  const more: Writers['more'] = async (wanted) => {
    for (const until = count + wanted; count < until;) await once(written, 'one');
  };
  return {
    more,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

test('writers and readers go on through additions and the building and dropping of indexes', async () => {
  await using tables = await testTables();
  await tables.prepare([small]);
  await fill(tables, 20_000);
  await using writers = keepWriting(tables);
  for (const models of [
    [{ ...large, fields: [...small.fields, ...large.fields.slice(2)] }],
    [small],
    [large],
    [model('asset', { make: 'text', count: 'number' }, { indexes: [['count', 'make']] })],
  ])
    await tables.prepare(models);
  const { count, maxMs } = await writers.stop();
  assert.ok(count > 10 && maxMs < 5_000, `${count} writes, the longest took ${maxMs} ms`);
  assert.deepEqual(
    await tables.sql('select count(*)::integer - $1 as extra from cloudcode_testing.asset', 20_000 + count),
    [{ extra: 0 }],
  );
  assert.deepEqual((await describeSchema(tables)).indexes, { 'asset.count_make': 'btree (count, make, id)' });
});

test('deployments at the same time take turns, and the last one stands with all that it needs', async () => {
  await using tables = await testTables();
  await tables.prepare([small]);
  await fill(tables, 2_000);
  const stores = await Promise.all([1, 2, 3, 4].map(() => openStore({ url: tables.store.url })));
  const told: string[] = [];
  const models = [[large], [{ ...large, indexes: [{ name: 'make', on: ['count'] }] }]];
  const project = { folder: '/nowhere', tasks: [noopTask], config: {} };
  await Promise.all(
    stores.map((store, number) =>
      deployProject(
        store,
        'testing',
        { ...project, extension: dataDeployment({ models: models[number % 2] ?? [] }) },
        (what) => told.push(what),
      ),
    ),
  );
  assert.ok(
    told.some((what) => /^data model: waiting for another deployment \(pid \d+(?:\D.*)?: /.test(what)),
    told.join('\n'),
  );
  const [current] = await tables.sql<{ model: { models: (typeof large)[] } }>(
    "select m.model from cloudcode.environments e join cloudcode.deployments d on d.id = e.deployment_id join cloudcode.data_models m on m.hash = d.data_model_hash where e.name = 'testing'",
  );
  assert.deepEqual(await tables.prepare(current?.model.models ?? []), [], 'nothing is left to do');
  assert.deepEqual(
    Object.keys((await describeSchema(tables)).indexes),
    current?.model.models[0]?.indexes.map(({ name }) => `asset.${name}`).sort(),
  );
  await Promise.all(stores.map((store) => store.close()));
});

test('a deployment waits for another no longer than its patience, and leaves no lock behind', async () => {
  await using tables = await testTables();
  const turn = { schema: 'cloudcode_testing', patienceMs: 300, onProgress: () => undefined };
  await takeTurns(tables.store, turn, async () => {
    await assert.rejects(
      takeTurns(tables.store, turn, async () => undefined),
      { code: 'deploy_blocked', message: /^Another deployment changes the tables of cloudcode_testing \(pid \d+/ },
    );
    await takeTurns(tables.store, { ...turn, schema: 'cloudcode_production' }, async () => undefined);
  });
  await assert.rejects(
    takeTurns(tables.store, turn, () => Promise.reject(new Error('broken'))),
    /broken/,
  );
  assert.equal(await takeTurns(tables.store, turn, async () => 7), 7);
  assert.deepEqual(
    await tables.sql(
      "select * from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
    ),
    [],
  );
});

/** A transaction of somebody else that has touched the table. */
async function holdTable(tables: TestTables): Promise<{ readonly pid: number; end(): Promise<void> }> {
  const other = await openSession(tables.store.url);
  await other.query({ name: '', text: 'begin' });
  await other.query({ name: '', text: 'select count(*) from cloudcode_testing.asset' });
  await other.query({ name: '', text: "update cloudcode_testing.asset set count = 1 where make = 'make 1'" });
  return { pid: other.backendPid, end: async () => await other[Symbol.asyncDispose]() };
}

test('a long transaction is waited for in short tries, between which others work', { timeout: 60_000 }, async () => {
  await using tables = await testTables();
  await tables.prepare([small]);
  await fill(tables, 10);
  const other = await holdTable(tables);
  await using writers = keepWriting(tables);
  const endings: Promise<void>[] = [];
  const told = await tables.prepare(
    [model('asset', { make: 'text', count: 'integer', more: 'text' }, { indexes: [['make']] })],
    (what) => {
      // More than can be under way at once: they go through before the transaction ends.
      if (what.startsWith(`adding asset.more: waiting for pid ${other.pid} (cloudcode, role `))
        endings.push(writers.more(10).then(other.end));
    },
  );
  assert.deepEqual(
    told.filter((what) => !what.includes('waiting')),
    ['adding asset.more', 'building index asset.make'],
  );
  assert.notEqual(endings.length, 0, told.join('\n'));
  await Promise.all(endings);
});

test('an index waits for a long transaction without holding anybody up', { timeout: 60_000 }, async () => {
  await using tables = await testTables();
  await tables.prepare([small]);
  await fill(tables, 10);
  const other = await holdTable(tables);
  await using writers = keepWriting(tables);
  const endings: Promise<void>[] = [];
  const told = await tables.prepare([{ ...small, indexes: [{ name: 'make', on: ['make'] }] }], (what) => {
    if (
      what.startsWith(`building index asset.make: waiting for pid ${other.pid} (`) &&
      what.includes('idle in transaction')
    )
      endings.push(writers.more(10).then(other.end));
  });
  assert.notEqual(endings.length, 0, told.join('\n'));
  await Promise.all(endings);
  assert.deepEqual((await describeSchema(tables)).indexes, { 'asset.make': 'btree (make, id)' });
});

test('time limits that the database sets for statements do not end the work on its tables', async () => {
  await using tables = await testTables();
  await tables.prepare([small]);
  const other = await holdTable(tables);
  const limits = ['statement_timeout', 'lock_timeout'].map((name) => `alter database %1$I set ${name} = 200;`);
  await tables.sql(`do $$ begin execute format('${limits.join(' ')}', current_database()); end $$`);
  const endings: Promise<void>[] = [];
  // Who is in the way is looked for after longer than that.
  await tables.prepare([{ ...small, indexes: [{ name: 'make', on: ['make'] }] }], (what) => {
    if (what.includes('waiting')) endings.push(other.end());
  });
  assert.notEqual(endings.length, 0);
  await Promise.all(endings);
  assert.deepEqual((await describeSchema(tables)).indexes, { 'asset.make': 'btree (make, id)' });
});

test('a deployment that is blocked for too long says by whom, and leaves nothing in the way', async () => {
  await using tables = await testTables();
  await tables.prepare([small]);
  const other = await holdTable(tables);
  await using session = await openSession(tables.store.url);
  const shop = {
    session,
    observer: tables.store,
    patience: { briefMs: 700, triesMs: 2_000, longMs: 1_000 },
    onProgress: () => undefined,
  };
  const blocked = {
    code: 'deploy_blocked',
    message: new RegExp(
      `had to wait too long for pid ${other.pid} \\(cloudcode, role \\w+, idle in transaction, since [^,]+, (select count|update)`,
    ),
  };
  await assert.rejects(
    applyStep(shop, {
      what: 'adding asset.more',
      sql: 'alter table cloudcode_testing.asset add column more text',
      waits: 'briefly',
    }),
    blocked,
  );
  const index = {
    what: 'building index asset.make',
    sql: 'create index concurrently "asset.make" on cloudcode_testing.asset (make, id)',
    waits: 'patiently',
    undo: 'drop index concurrently if exists cloudcode_testing."asset.make"',
  } as const;
  await assert.rejects(applyStep(shop, index), blocked);
  await other.end();
  await tables.prepare([model('asset', { make: 'text', count: 'integer', more: 'text' }, { indexes: [['make']] })]);
  assert.deepEqual((await describeSchema(tables)).indexes, { 'asset.make': 'btree (make, id)' });
});
