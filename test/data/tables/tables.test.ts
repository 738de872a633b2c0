import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataDeployment } from '../../../src/data/extension.ts';
import type { FieldType, Model } from '../../../src/data/model/data-model.ts';
import { CloudCodeError } from '../../../src/engine/core/errors.ts';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { readExtensionState } from '../../../src/engine/store/deployments.ts';
import { noopTask } from '../../support/store.ts';
import { describeSchema, model, type TestTables, testTables } from './open-tables.ts';

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

/** The error of a data model that does not fit, and a proof that it changed nothing. */
async function conflictOf(tables: TestTables, models: readonly Model[]): Promise<CloudCodeError> {
  const before = await describeSchema(tables);
  const error = await tables.prepare(models).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof CloudCodeError, 'it is refused');
  assert.equal(error.code, 'data_model_conflict');
  assert.deepEqual(await describeSchema(tables), before);
  return error;
}

function statementsOf({ message }: CloudCodeError): string {
  return [...message.matchAll(/; by hand:\n {2}(.*)/g)].map(([, statement]) => statement).join('\n');
}

test('another type is refused before anything is changed, with the values at stake and the statement that would do it', async () => {
  await using tables = await testTables();
  await tables.prepare([model('order', { select: 'text', count: 'integer' })]);
  await tables.sql(
    `insert into cloudcode_testing."order" (id, "select") values (gen_random_uuid(), '12'), (gen_random_uuid(), null), (gen_random_uuid(), '-5')`,
  );
  const next = [
    model('first', { x: 'text' }),
    model('order', { more: 'text', select: 'integer', count: 'boolean' }),
    model('last', {}),
  ];
  const error = await conflictOf(tables, next);
  assert.equal(
    error.message,
    [
      'The data model does not fit what is stored in testing:',
      'order.select is stored as text (text collate "C") and would become integer (integer); 2 values are not null; by hand:',
      '  alter table "cloudcode_testing"."order" alter column "select" type integer using "select"::integer;',
      'order.count is stored as integer (integer) and would become boolean (boolean); 0 values are not null; by hand:',
      '  alter table "cloudcode_testing"."order" alter column "count" type boolean using "count"::boolean;',
      'Nothing was changed.',
    ].join('\n'),
  );
  await tables.sql(statementsOf(error));
  assert.deepEqual(await tables.prepare(next), ['adding table first', 'adding order.more', 'adding table last']);
  assert.deepEqual(await tables.sql('select "select" from cloudcode_testing."order" order by "select"'), [
    { select: -5 },
    { select: 12 },
    { select: null },
  ]);
});

test('a field that comes back with another type is refused', async () => {
  await using tables = await testTables();
  await tables.prepare([model('asset', { make: 'text' })]);
  await tables.prepare([model('asset', {})]);
  assert.match(
    (await conflictOf(tables, [model('asset', { make: 'date' })])).message,
    /asset\.make is stored as text .* would become date/,
  );
});

const values: Readonly<Record<string, string>> = {
  text: "'1'",
  integer: '1',
  number: '1.5',
  date: "'2026-03-01'",
  datetime: "'2026-03-01T12:00:00.123Z'",
  boolean: 'true',
  'single-choice': "'1'",
  'single-choice-integer': '1',
  'multiple-choice': "'{1}'",
  'multiple-choice-integer': "'{1}'",
};

test('from every type to every other, the statement of the error works as it stands', async () => {
  await using tables = await testTables();
  const types: readonly FieldType[] = [
    'text',
    'integer',
    'number',
    'date',
    'datetime',
    'boolean',
    'multiple-choice',
    'multiple-choice-integer',
    'location',
    'attachment',
  ];
  const pairs = types.flatMap((from) =>
    types.filter((to) => to !== from && !(from === 'integer' && to === 'number')).map((to) => [from, to] as const),
  );
  // Where the text of the value is no text of the other type, a person who knows the data has to say what it means.
  const failing = ['text to date', 'text to datetime'];
  for (const [from, to] of pairs) {
    await tables.sql('drop schema if exists cloudcode_testing cascade');
    await tables.prepare([
      model(
        'asset',
        { make: from },
        { indexes: [from === 'location' || from === 'attachment' ? [] : ['make']].filter((on) => on.length > 0) },
      ),
    ]);
    const column = from === 'location' ? '"make.latitude"' : from === 'attachment' ? '"make.size"' : 'make';
    await tables.sql(
      `insert into cloudcode_testing.asset (id, ${column}) values (gen_random_uuid(), ${values[from] ?? '1'}), (gen_random_uuid(), null)`,
    );
    const error = await conflictOf(tables, [model('asset', { make: to })]);
    assert.match(
      error.message,
      from === 'number' && to === 'integer'
        ? /; 1 value is not null, of which 1 would not fit; by hand:\n/
        : /; 1 value is not null; by hand:\n/,
      `${from} to ${to}`,
    );
    if (failing.includes(`${from} to ${to}`)) {
      await assert.rejects(tables.sql(statementsOf(error)), /invalid input syntax/);
      continue;
    }
    await tables.sql(statementsOf(error));
    await tables.prepare([model('asset', { make: to })]);
    assert.deepEqual(
      await tables.sql('select count(*)::integer from cloudcode_testing.asset'),
      [{ count: 2 }],
      `${from} to ${to}`,
    );
  }
});

test('what was put aside by hand does not hinder the next time', async () => {
  await using tables = await testTables();
  await tables.prepare([model('asset', { ['make'.repeat(10)]: 'location' })]);
  for (const type of ['text', 'location', 'text', 'photo', 'location'] as const) {
    const next = [model('asset', { ['make'.repeat(10)]: type })];
    await tables.sql(statementsOf(await conflictOf(tables, next)));
    await tables.prepare(next);
  }
});

test('a belongs-to and a field of the name of its column are one thing', async () => {
  await using tables = await testTables();
  await tables.prepare([model('asset', { building_id: 'text' })]);
  await tables.sql(
    "insert into cloudcode_testing.asset (id, building_id) values (gen_random_uuid(), '00000000-0000-4000-8000-000000000000')",
  );
  const error = await conflictOf(tables, [model('asset', {}, { belongsTo: ['building'] })]);
  assert.match(
    error.message,
    /asset\.building_id is stored as text \(text collate "C"\) and would become belongs-to \(uuid\); 1 value is/,
  );
  await tables.sql(statementsOf(error));
  await tables.prepare([model('asset', {}, { belongsTo: ['building'] })]);
  assert.match(
    (await conflictOf(tables, [model('asset', { building_id: 'text' })])).message,
    /stored as belongs-to \(uuid\) and would become text/,
  );
});

test('what CloudCode did not make is refused where a model has its name, and left alone where none has', async () => {
  await using tables = await testTables();
  await tables.sql('create schema cloudcode_testing');
  const made = [
    'create table cloudcode_testing.%s (id integer primary key)',
    'create table cloudcode_testing.%s (id uuid)',
    'create table cloudcode_testing.%s (id uuid, n integer, primary key (id, n))',
    'create table cloudcode_testing.%s (x uuid primary key)',
    'create view cloudcode_testing.%s as select gen_random_uuid() as id',
    'create sequence cloudcode_testing.%s',
    'create table cloudcode_testing.%s (id uuid primary key) partition by hash (id)',
  ];
  for (const [number, sql] of made.entries()) await tables.sql(sql.replace('%s', `"Mine${number}"`));
  const before = await describeSchema(tables);
  for (const number of made.keys()) {
    const error = await conflictOf(tables, [model(`Mine${number}`, { x: 'text' }), model('asset', {})]);
    assert.match(error.message, new RegExp(`Mine${number}: the schema cloudcode_testing has .* of this name`));
  }
  await tables.prepare([model('asset', {})]);
  const { 'asset.id': _, ...others } = (await describeSchema(tables)).columns;
  assert.deepEqual(others, before.columns);
  const error = await conflictOf(tables, [model('Mine4', {})]);
  await tables.sql(statementsOf(error));
  await tables.prepare([model('Mine4', {})]);
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
