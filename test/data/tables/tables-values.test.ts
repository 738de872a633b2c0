import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Model } from '../../../src/data/model/data-model.ts';
import { model, type TestTables, testTables } from './open-tables.ts';

const schema = 'cloudcode_testing';
const thing = model('thing', {
  count: 'integer',
  price: 'number',
  bought: 'date',
  seen: 'datetime',
  tags: 'multiple-choice',
  levels: 'multiple-choice-integer',
  place: 'location',
});

/** By column, what other tools can store and no task could read. */
const wrong: readonly (readonly [column: string, value: string])[] = [
  ['price', "'NaN'"],
  ['price', "'Infinity'"],
  ['price', "'-Infinity'"],
  ['bought', "'infinity'"],
  ['bought', "'-infinity'"],
  ['bought', "'0044-03-15 BC'"],
  ['bought', "'10000-01-01'"],
  ['seen', "'infinity'"],
  ['seen', "'-infinity'"],
  ['seen', "'0001-01-01 00:00+00'::timestamptz - interval '1 millisecond'"],
  ['seen', "'10000-01-01 00:00+00'"],
  ['tags', "array['a', null]"],
  ['tags', "array[['a'], ['b']]"],
  ['levels', 'array[null::integer]'],
  ['"place.latitude"', "'NaN'"],
  ['"place.latitude"', '90.5'],
  ['"place.longitude"', '-181'],
  ['"place.altitude"', "'Infinity'"],
  ['"place.timestamp"', "'infinity'"],
];
const right: readonly (readonly [column: string, value: string])[] = [
  ['price', '1e308'],
  ['price', 'null'],
  ['bought', "'0001-01-01'"],
  ['bought', "'9999-12-31'"],
  ['seen', "'0001-01-01 00:00+00'"],
  ['seen', "'9999-12-31 23:59:59.999+00'"],
  ['tags', "'{}'"],
  ['tags', 'null'],
  ['levels', "'{1,2}'"],
  ['"place.latitude"', '-90'],
  ['"place.longitude"', '180'],
];

const insert = (tables: TestTables, column: string, value: string): Promise<unknown> =>
  tables.sql(`insert into ${schema}.thing (id, ${column}) values (gen_random_uuid(), ${value})`);

async function refusesWrong(tables: TestTables): Promise<void> {
  for (const [column, value] of wrong)
    await assert.rejects(
      insert(tables, column, value),
      /violates check constraint|multidimensional/,
      `${column} ${value}`,
    );
  for (const [column, value] of right) await insert(tables, column, value);
}

test('a column takes no value that no task can read, in a new table, in a column that is added, and in one from before', async () => {
  await using tables = await testTables();
  await tables.prepare([thing]);
  await refusesWrong(tables);

  await tables.sql(`drop table ${schema}.thing`);
  await tables.prepare([model('thing', {})]);
  await tables.prepare([thing]);
  await refusesWrong(tables);

  // A table of the time before there were checks, with values that no task can read.
  for (const { name } of await checks(tables))
    await tables.sql(`alter table ${schema}.thing drop constraint "${name}"`);
  await insert(tables, 'price', "'NaN'");
  await insert(tables, 'price', "'Infinity'");
  await insert(tables, 'bought', "'infinity'");
  const told = await tables.prepare([thing]);
  assert.equal(told.length, 3);
  assert.match(told[0] ?? '', /^adding check thing\.price~finite, thing\.bought~date, /);
  assert.match(told[1] ?? '', /^thing\.price: 2 values are there that no task can read/);
  assert.match(told[2] ?? '', /^thing\.bought: 1 value is there that no task can read/);
  assert.deepEqual(await tables.prepare([thing]), []);
  await refusesWrong(tables);
  const [{ count } = { count: 0 }] = await tables.sql<{ count: number }>(
    `select count(*)::integer as count from ${schema}.thing where price in ('NaN', 'Infinity') or bought = 'infinity'`,
  );
  assert.equal(count, 3, 'what was there is there');
});

test('the names of checks are those of their columns, however long', async () => {
  await using tables = await testTables();
  const long = 'a'.repeat(40);
  const models: readonly Model[] = [model('thing', { [long]: 'location', [`b${long.slice(1)}`]: 'number' })];
  await tables.prepare(models);
  assert.deepEqual(await tables.prepare(models), []);
  assert.equal((await checks(tables)).length, 7);
  await assert.rejects(insert(tables, `"${long}.horizontal_accuracy"`, "'NaN'"), /violates check constraint/);
});

test('integer to number can be rolled back while the values fit, and forward again', async () => {
  await using tables = await testTables();
  const [older, newer] = [
    [model('thing', { count: 'integer', level: 'single-choice-integer' })],
    [model('thing', { count: 'number', level: 'single-choice-integer' })],
  ];
  await tables.prepare(older);
  await tables.prepare(newer);
  for (const value of ['2147483647', '-2147483648', '0', 'null']) await insert(tables, 'count', value);
  assert.deepEqual(await tables.prepare(older), [
    'dropping check count~finite',
    'adding check thing.count~integer',
    'making sure that thing.count holds integers alone',
  ]);
  assert.deepEqual(await tables.prepare(older), []);
  // As a run of the newer deployment might that has not ended.
  for (const value of ['1.5', '2147483648', "'NaN'", "'Infinity'"])
    await assert.rejects(insert(tables, 'count', value), /count~integer/);
  await insert(tables, 'count', '7');

  assert.deepEqual(await tables.prepare(newer), ['dropping check count~integer', 'adding check thing.count~finite']);
  await insert(tables, 'count', '1.5');
  await insert(tables, 'count', '3e9');
  await assert.rejects(tables.prepare(older), {
    code: 'data_model_conflict',
    message:
      /thing\.count is stored as number \(double precision\) and would become integer \(integer\); 6 values are not null, of which 2 would not fit; by hand:\n {2}alter table .* drop constraint "count~finite", alter column "count" type integer using round/,
  });
  assert.deepEqual(
    (await checks(tables)).map(({ name }) => name),
    ['count~finite'],
    'nothing was changed',
  );
  await tables.sql(`delete from ${schema}.thing where count in (1.5, 3e9)`);
  await tables.prepare(older);
});

test('a rollback that was cut off between its steps is finished by the next deployment', async () => {
  await using tables = await testTables();
  const older = [model('thing', { count: 'integer' })];
  await tables.prepare([model('thing', { count: 'number' })]);
  await tables.sql(`alter table ${schema}.thing drop constraint "count~finite"`);
  await insert(tables, 'count', '0.5');
  await tables.sql(
    `alter table ${schema}.thing add constraint "count~integer" check (count between -2147483648 and 2147483647 and count = trunc(count)) not valid`,
  );
  await assert.rejects(tables.prepare(older), { code: 'data_model_conflict' });
  await tables.sql(`delete from ${schema}.thing`);
  assert.deepEqual(await tables.prepare(older), ['making sure that thing.count holds integers alone']);
});

function checks({ sql }: TestTables): Promise<readonly { readonly name: string }[]> {
  return sql(
    `select conname as name from pg_constraint where contype = 'c' and conrelid = '${schema}.thing'::regclass order by conname`,
  );
}
