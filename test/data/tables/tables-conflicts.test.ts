import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FieldType, Model } from '../../../src/data/model/data-model.ts';
import { CloudCodeError } from '../../../src/engine/core/errors.ts';
import { describeSchema, model, type TestTables, testTables } from './open-tables.ts';

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
