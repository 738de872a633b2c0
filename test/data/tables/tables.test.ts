import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataDeployment } from '../../../src/data/extension.ts';
import type { FieldType } from '../../../src/data/model/data-model.ts';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { readExtensionState } from '../../../src/engine/store/deployments.ts';
import { noopTask } from '../../support/store.ts';
import { describeSchema, model, testTables } from './open-tables.ts';

const everyType = {
  text: 'text',
  integer: 'integer',
  number: 'number',
  date: 'date',
  datetime: 'datetime',
  boolean: 'boolean',
  single: 'single-choice',
  singleInteger: 'single-choice-integer',
  multiple: 'multiple-choice',
  multipleInteger: 'multiple-choice-integer',
  place: 'location',
  file: 'attachment',
} as const satisfies Record<string, FieldType>;

const columnsOfEveryType = {
  'thing.id': 'uuid not null',
  'thing.text': 'text C',
  'thing.integer': 'integer',
  'thing.number': 'double precision',
  'thing.date': 'date',
  'thing.datetime': 'timestamp(3) with time zone',
  'thing.boolean': 'boolean',
  'thing.single': 'text C',
  'thing.singleInteger': 'integer',
  'thing.multiple': 'text[] default',
  'thing.multipleInteger': 'integer[]',
  'thing.place.latitude': 'double precision',
  'thing.place.longitude': 'double precision',
  'thing.place.altitude': 'double precision',
  'thing.place.horizontal_accuracy': 'double precision',
  'thing.place.vertical_accuracy': 'double precision',
  'thing.place.timestamp': 'timestamp(3) with time zone',
  'thing.file.key': 'uuid',
  'thing.file.filename': 'text default',
  'thing.file.content_type': 'text default',
  'thing.file.size': 'integer',
  'thing.file.bytes': 'bytea',
  'thing.owner_id': 'uuid',
};

test('each model becomes a table with typed columns, at once or column by column', async () => {
  await using tables = await testTables();
  assert.deepEqual(await tables.prepare([model('thing', everyType, { belongsTo: ['owner'] })]), [
    'adding schema cloudcode_testing',
    'adding table thing',
  ]);
  assert.deepEqual((await describeSchema(tables)).columns, columnsOfEveryType);
  assert.deepEqual(
    await tables.prepare([model('thing', everyType, { belongsTo: ['owner'] })]),
    [],
    'nothing is left to do',
  );

  await tables.sql('drop table cloudcode_testing.thing');
  await tables.prepare([model('thing', {})]);
  for (const [field, type] of Object.entries(everyType)) await tables.prepare([model('thing', { [field]: type })]);
  await tables.prepare([model('thing', {}, { belongsTo: ['owner'] })]);
  assert.deepEqual((await describeSchema(tables)).columns, columnsOfEveryType);
  assert.deepEqual(await tables.prepare([model('thing', everyType, { belongsTo: ['owner'] })]), []);
});

test('names with capitals, SQL keywords and the longest names are names like others', async () => {
  await using tables = await testTables();
  const long = 'a'.repeat(40);
  const models = [
    model(
      'order',
      { select: 'text', user: 'integer', Table: 'location' },
      { belongsTo: ['group'], indexes: [['select', 'group']] },
    ),
    model('User', { name: 'text', NULL: 'photo' }),
    model('asset_pkey', {}),
    model('asset', { x: 'text' }, { indexes: [['x']] }),
    model('asset__x', {}),
    model('asset_x', {}),
    model(
      long,
      { [long]: 'location', [`b${long.slice(1)}`]: 'text' },
      { belongsTo: [`c${long.slice(1)}`], indexes: [[`b${long.slice(1)}`, `c${long.slice(1)}`]] },
    ),
  ];
  await tables.prepare(models);
  await tables.sql(
    'insert into cloudcode_testing."order" (id, "select", "user") values (gen_random_uuid(), $1, 1)',
    'x',
  );
  assert.deepEqual(await tables.prepare([...models].reverse()), []);
  assert.deepEqual(
    await tables.prepare(
      models.map((each) => ({ ...each, fields: [...each.fields, ...model('', { into: 'text' }).fields] })),
    ),
    models.map(({ name }) => `adding ${name}.into`),
  );
  assert.deepEqual(await tables.prepare(models), []);
});

test('a field or model that is removed keeps its data, and shows it when it comes back', async () => {
  await using tables = await testTables();
  const before = model(
    'asset',
    { make: 'text', count: 'integer', place: 'location' },
    { belongsTo: ['building'], indexes: [['make']] },
  );
  await tables.prepare([before, model('building', { name: 'text' })]);
  await tables.sql(
    `insert into cloudcode_testing.asset (id, make, count, "place.latitude", building_id) select gen_random_uuid(), 'm' || i, i, i, gen_random_uuid() from generate_series(1, 5) i`,
  );
  const rows = await tables.sql('select * from cloudcode_testing.asset order by count');

  assert.deepEqual(await tables.prepare([model('asset', { other: 'text' })]), [
    'adding asset.other',
    'dropping index asset.make',
  ]);
  assert.deepEqual(await tables.prepare([]), []);
  assert.deepEqual(await tables.prepare([before, model('building', { name: 'text' })]), ['building index asset.make']);
  assert.deepEqual(
    await tables.sql(
      'select id, make, count, "place.latitude", "place.longitude", "place.altitude", "place.horizontal_accuracy", "place.vertical_accuracy", "place.timestamp", building_id from cloudcode_testing.asset order by count',
    ),
    rows,
  );
});

test('a change that the database does not see, and integer to number, go through', async () => {
  await using tables = await testTables();
  await tables.prepare([
    model('asset', { state: 'text', level: 'integer', file: 'attachment', count: 'integer' }, { indexes: [['count']] }),
  ]);
  await tables.sql(
    `insert into cloudcode_testing.asset (id, state, level, count) values (gen_random_uuid(), 'anything', 77, 2147483647), (gen_random_uuid(), null, null, -2147483648), (gen_random_uuid(), null, null, null)`,
  );
  assert.deepEqual(
    await tables.prepare([
      model(
        'asset',
        { state: 'single-choice', level: 'single-choice-integer', file: 'signature', count: 'number' },
        { indexes: [['count']] },
      ),
    ]),
    ['widening asset.count from integer to number'],
  );
  assert.deepEqual(await tables.sql('select state, level, count from cloudcode_testing.asset order by count'), [
    { state: null, level: null, count: -2147483648 },
    { state: 'anything', level: 77, count: 2147483647 },
    { state: null, level: null, count: null },
  ]);
  assert.deepEqual(await describeSchema(tables).then(({ indexes }) => indexes), { 'asset.count': 'btree (count, id)' });
});

test('other schemas, also those of other environments, are not touched', async () => {
  await using tables = await testTables();
  const { store, sql } = tables;
  await sql('create schema cloudcode_test');
  await sql('create table cloudcode_test.asset (id uuid primary key, make integer)');
  await sql('create table public.asset (id integer)');
  const project = { folder: '/nowhere', tasks: [noopTask], config: {} };
  await deployProject(store, 'production', {
    ...project,
    extension: dataDeployment({ models: [model('asset', { make: 'number' }, { indexes: [['make']] })] }),
  });
  const before = [
    await describeSchema(tables, 'cloudcode_test'),
    await describeSchema(tables, 'public'),
    await describeSchema(tables, 'cloudcode_production'),
  ];
  await tables.prepare([model('asset', { make: 'text', other: 'text' })]);
  assert.deepEqual(
    [
      await describeSchema(tables, 'cloudcode_test'),
      await describeSchema(tables, 'public'),
      await describeSchema(tables, 'cloudcode_production'),
    ],
    before,
  );
  assert.deepEqual(before[2]?.indexes, { 'asset.make': 'btree (make, id)' });
});

test('a deployment has its data model, and one without touches no table', async () => {
  await using tables = await testTables();
  const { store, sql } = tables;
  const project = { folder: '/nowhere', tasks: [noopTask], config: {} };
  const dataModel = { models: [model('asset', { make: 'text' })] };
  const hashes = (): Promise<readonly { hash: string | null }[]> => {
    return sql<{ hash: string | null }>(
      "select d.data_model_hash as hash from cloudcode.environments e join cloudcode.deployments d on d.id = e.deployment_id where e.name = 'testing'",
    );
  };
  assert.equal((await deployProject(store, 'testing', project)).changed, true);
  assert.deepEqual(await hashes(), [{ hash: null }]);
  assert.deepEqual(await sql("select nspname from pg_namespace where nspname like 'cloudcode\\_%'"), []);
  const told: string[] = [];
  assert.equal(
    (
      await deployProject(store, 'testing', { ...project, extension: dataDeployment(dataModel) }, (what) =>
        told.push(what),
      )
    ).changed,
    true,
  );
  assert.deepEqual(told, ['data model: adding schema cloudcode_testing', 'data model: adding table asset']);
  const [{ hash } = { hash: null }] = await hashes();
  assert.deepEqual(await readExtensionState(store, hash ?? ''), dataModel);
  assert.equal(
    (await deployProject(store, 'testing', { ...project, extension: dataDeployment(dataModel) })).changed,
    false,
  );
  const labelled = { models: dataModel.models.map((each) => ({ ...each, label: 'Another' })) };
  assert.equal(
    (await deployProject(store, 'testing', { ...project, extension: dataDeployment(labelled) })).changed,
    true,
  );
  await assert.rejects(
    deployProject(store, 'testing', {
      ...project,
      tasks: [],
      extension: dataDeployment({ models: [model('asset', { make: 'date' })] }),
    }),
    { code: 'data_model_conflict' },
  );
  assert.deepEqual(
    await readExtensionState(store, (await hashes())[0]?.hash ?? ''),
    labelled,
    'what was refused was not deployed',
  );
  await deployProject(store, 'testing', project);
  assert.deepEqual(await hashes(), [{ hash: null }]);
});

test('a server without Unicode collations is told apart before anything is changed', async () => {
  await using tables = await testTables();
  // As on a PostgreSQL that was built without ICU.
  await tables.sql("delete from pg_collation where collname = 'und-x-icu'");
  await assert.rejects(tables.prepare([model('asset', {})]), { code: 'database_without_icu' });
  assert.deepEqual(await describeSchema(tables), { columns: {}, indexes: {} });
});
