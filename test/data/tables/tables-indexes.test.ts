import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { indexRefusal } from '../../../src/data/statements/refusals.ts';
import { describeSchema, model, type TestTables, testTables } from './open-tables.ts';

const fields = {
  make: 'text',
  count: 'integer',
  at: 'datetime',
  tags: 'multiple-choice',
  bits: 'multiple-choice-integer',
} as const;
const asset = (...on: readonly (readonly string[])[]) =>
  model('asset', fields, { belongsTo: ['building'], indexes: on });
const indexesOf = async (tables: TestTables): Promise<Readonly<Record<string, string>>> =>
  (await describeSchema(tables)).indexes;

const shapes = {
  'asset.make': 'btree (make, id)',
  'asset.building_count_at': 'btree (building_id, count, at, id)',
  'asset.tags': 'gin (tags)',
  'asset.tags_bits': 'gin (tags, bits)',
  'asset.tags_make_bits': 'btree (make, id)',
};
const wanted = [['make'], ['building', 'count', 'at'], ['tags'], ['tags', 'bits'], ['tags', 'make', 'bits']];

test('a new table has its indexes from the start; one that is in use gets them beside its writers', async () => {
  await using tables = await testTables();
  assert.deepEqual(await tables.prepare([asset(...wanted)]), [
    'adding schema cloudcode_testing',
    'adding table asset',
    ...wanted.map((on) => `adding index asset.${on.join('_')}`),
  ]);
  assert.deepEqual(await indexesOf(tables), shapes);
  assert.deepEqual(await tables.prepare([asset()]), wanted.map((on) => `dropping index asset.${on.join('_')}`).sort());
  assert.deepEqual(await indexesOf(tables), {});
  assert.deepEqual(
    await tables.prepare([asset(...wanted)]),
    wanted.map((on) => `building index asset.${on.join('_')}`),
  );
  assert.deepEqual(await indexesOf(tables), shapes);
  assert.deepEqual(await tables.prepare([asset(...wanted)]), []);
});

test('an index on other fields takes the place of the one that had its name, which serves until then', async () => {
  await using tables = await testTables();
  const named = (...on: readonly string[]) => ({ ...asset(), indexes: [{ name: 'main', on }] });
  await tables.prepare([named('make')]);
  assert.deepEqual(await tables.prepare([named('count', 'make')]), [
    'building index asset.main~new',
    'dropping index asset.main',
    'putting the new index asset.main in its place',
  ]);
  assert.deepEqual(await indexesOf(tables), { 'asset.main': 'btree (count, make, id)' });
  await tables.prepare([named('tags')]);
  assert.deepEqual(await indexesOf(tables), { 'asset.main': 'gin (tags)' });
});

test('an index of 32 fields has no place for the id, and long names stay apart', async () => {
  await using tables = await testTables();
  const many = Object.fromEntries(Array.from({ length: 32 }, (_, number) => [`field_${number}`, 'integer'] as const));
  const on = Object.keys(many);
  const indexes = [
    { name: on.join('_'), on },
    { name: on.slice(1).join('_'), on: on.slice(1) },
    { name: `${on.join('_')}_`, on: on.slice(2) },
    { name: `${on.join('_')}x`, on: on.slice(3) },
  ];
  const long = 'm'.repeat(40);
  await tables.prepare([{ ...model(long, many), indexes }]);
  const before = await indexesOf(tables);
  assert.deepEqual(
    Object.values(before)
      .map((definition) => definition.split(',').length)
      .sort(),
    [30, 31, 32, 32],
  );
  assert.deepEqual(await tables.prepare([{ ...model(long, many), indexes }]), []);
  const changed = indexes.map((index) => ({ ...index, on: [...index.on].reverse() }));
  await tables.prepare([{ ...model(long, many), indexes: changed }]);
  const after = await indexesOf(tables);
  assert.deepEqual(Object.keys(after), Object.keys(before));
  assert.ok(Object.values(after).every((definition) => definition.startsWith('btree (field_31, ')));
});

test('what people have made is left alone', async () => {
  await using tables = await testTables();
  await tables.prepare([asset(['make'])]);
  await tables.sql('create index on cloudcode_testing.asset (lower(make))');
  await tables.sql('create unique index "assetX" on cloudcode_testing.asset (count) where count > 0');
  await tables.sql('alter table cloudcode_testing.asset add constraint "asset.mine" unique (make, count)');
  await tables.sql('alter table cloudcode_testing.asset add column extra text');
  const before = await describeSchema(tables);
  assert.deepEqual(await tables.prepare([asset(['make'])]), []);
  assert.deepEqual(await tables.prepare([asset()]), ['dropping index asset.make']);
  await tables.prepare([asset(['make'])]);
  assert.deepEqual(await describeSchema(tables), before);
});

test('an index by our name that was made otherwise is made anew', async () => {
  await using tables = await testTables();
  for (const [create, how] of [
    ['create unique index', '(make, id)'],
    ['create index', '(make, id) where count > 0'],
    ['create index', '(make desc, id)'],
    ['create index', '(lower(make), id)'],
    ['create index', '(make) include (id)'],
    ['create index', 'using hash (make)'],
  ]) {
    await tables.sql('drop schema if exists cloudcode_testing cascade');
    await tables.prepare([asset()]);
    await tables.sql(`${create} "asset.make" on cloudcode_testing.asset ${how}`);
    await tables.prepare([asset(['make'])]);
    assert.deepEqual(await indexesOf(tables), { 'asset.make': 'btree (make, id)' }, how);
  }
});

test('what an interrupted build, swap or drop has left is finished or removed', async () => {
  await using tables = await testTables();
  const lefts: readonly (readonly string[])[] = [
    ['asset.make'],
    ['asset.make~new'],
    ['asset.make', 'asset.make~new'],
    ['asset.count'],
    ['asset.count~new'],
    ['asset.gone'],
    ['asset.gone~new'],
  ];
  for (const left of lefts) {
    for (const isValid of [false, true]) {
      await tables.sql('drop schema if exists cloudcode_testing cascade');
      await tables.prepare([asset(['count'])]);
      for (const name of left)
        await tables.sql(`create index if not exists "${name}" on cloudcode_testing.asset (make, id)`);
      // As a killed build leaves it; a person without the rights of a superuser cannot make one by request.
      if (!isValid)
        for (const name of left)
          await tables.sql(
            'update pg_index set indisvalid = false where indexrelid = $1::regclass',
            `cloudcode_testing."${name}"`,
          );
      await tables.prepare([asset(['count'], ['make'])]);
      assert.deepEqual(
        await indexesOf(tables),
        { 'asset.count': 'btree (count, id)', 'asset.make': 'btree (make, id)' },
        `${left.join()} ${isValid}`,
      );
      assert.deepEqual(await tables.prepare([asset(['count'], ['make'])]), []);
    }
  }
});

test('a value too long for an index is refused with the name of the index, at the write and at the deployment', async () => {
  await using tables = await testTables();
  await tables.prepare([asset(['make'])]);
  const insert = (make: string): Promise<unknown> =>
    tables.sql('insert into cloudcode_testing.asset (id, make) values (gen_random_uuid(), $1)', make);
  await insert('x'.repeat(10_000));
  const long = randomBytes(2_500).toString('base64');
  await assert.rejects(
    insert(long),
    (error: unknown) =>
      indexRefusal(error) === 'a value of model asset is too long for its index make, which takes about 2,700 bytes.',
  );

  await tables.prepare([asset()]);
  await insert(long);
  await assert.rejects(tables.prepare([asset(['make', 'count'])]), {
    code: 'data_model_conflict',
    message:
      'Data model: building index asset.make_count failed: a value of model asset is too long for its index make_count, which takes about 2,700 bytes.',
  });
  assert.deepEqual(await indexesOf(tables), {}, 'nothing is left that writers would stumble over');
  await tables.sql('update cloudcode_testing.asset set make = left(make, 1000)');
  await tables.prepare([asset(['make', 'count'])]);
  assert.deepEqual(await indexesOf(tables), { 'asset.make_count': 'btree (make, count, id)' });
});

test('indexes serve what they are for', async () => {
  await using tables = await testTables();
  await tables.prepare([asset(...wanted)]);
  await tables.sql(
    "insert into cloudcode_testing.asset (id, make, tags, bits) select gen_random_uuid(), 'm' || i, array['t' || i], array[i] from generate_series(1, 5000) i",
  );
  await tables.sql('analyze cloudcode_testing.asset');
  for (const [index, rest] of [
    ['asset.make', "where make = 'm7'"],
    ['asset.make', "where make > 'm7' order by make, id limit 10"],
    ['asset.tags', "where tags @> '{t7}'"],
    ['asset.tags_bits', "where tags @> '{t7}' and bits @> '{7}'"],
  ]) {
    const plan = await tables.sql<{ 'QUERY PLAN': string }>(`explain select * from cloudcode_testing.asset ${rest}`);
    assert.match(
      plan.map((line) => line['QUERY PLAN']).join('\n'),
      /(Index Scan using|Bitmap Index Scan on) "asset\./,
      `${index} ${rest}`,
    );
  }
});
