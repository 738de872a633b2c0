import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataDeployment } from '../../../src/data/extension.ts';
import type { Field, Model } from '../../../src/data/model/data-model.ts';
import { CloudCodeError } from '../../../src/engine/core/errors.ts';
import { withTables } from '../../../src/data/tables/prepare-tables.ts';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { noopTask } from '../../support/store.ts';
import { makeField, makeModel } from '../statements/open-data.ts';
import { describeSchema, model, type TestTables, testTables } from './open-tables.ts';

const schema = 'cloudcode_testing';

/** Deploys a project with these models, or without a data model. @returns what it says of the values that are there */
async function deploy(
  { store }: TestTables,
  models: readonly Model[] | null,
  told: string[] = [],
): Promise<readonly string[]> {
  const extension = dataDeployment(models === null ? null : { models });
  const project = { folder: '/nowhere', tasks: [noopTask], config: {}, extension };
  return (await deployProject(store, 'testing', project, (what) => told.push(what))).notices;
}

const renamed = (field: Field, renamedFrom: string): Field => ({ ...field, renamedFrom });
const item = (...fields: readonly Field[]): readonly Model[] => [makeModel('item', fields)];
const values = async ({ sql }: TestTables, what: string, table = 'item'): Promise<readonly unknown[]> =>
  (await sql<{ value: unknown }>(`select ${what} as value from ${schema}.${table} order by id`)).map(
    ({ value }) => value,
  );

async function conflictOf(tables: TestTables, models: readonly Model[]): Promise<string> {
  const before = await describeSchema(tables);
  const error = await deploy(tables, models).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof CloudCodeError, 'it is refused');
  assert.equal(error.code, 'data_model_conflict');
  assert.deepEqual(await describeSchema(tables), before, 'nothing is changed');
  return error.message;
}

test('a deployment says how many values it hides, and says so once', async () => {
  await using tables = await testTables();
  await deploy(tables, [
    makeModel(
      'item',
      [makeField('a', 'text'), makeField('place', 'location'), makeField('none', 'integer')],
      [{ name: 'owner', model: 'item' }],
    ),
    model('other', { x: 'text' }),
  ]);
  await tables.sql(
    `insert into ${schema}.item (id, a, "place.latitude", "place.longitude", owner_id) select gen_random_uuid(), 'x', case when i <= 3 then 1 end, case when i <= 3 then 1 end, case when i = 1 then gen_random_uuid() end from generate_series(1, 100006) i`,
  );
  await tables.sql(`insert into ${schema}.item (id) select gen_random_uuid() from generate_series(1, 5)`);
  await tables.sql(`insert into ${schema}.other (id) values (gen_random_uuid()), (gen_random_uuid())`);

  const notices = await deploy(tables, item(makeField('b', 'text')));
  assert.deepEqual(
    notices.map((notice) => notice.split(';')[0]),
    [
      'item.a: 100,006 values are hidden',
      'item.place: 3 values are hidden',
      'item.owner: 1 value is hidden',
      'other: 2 objects are hidden',
    ],
  );
  assert.match(notices[0] ?? '', /renamed-from="a" at the new name shows them/);
  assert.deepEqual(await deploy(tables, item(makeField('b', 'text'))), [], 'nothing has changed');
  assert.deepEqual(
    await deploy(tables, item(makeField('b', 'text'), makeField('c', 'text'))),
    [],
    'nothing more is hidden',
  );

  await tables.sql(`update ${schema}.item set b = 'y' where a is null`);
  assert.deepEqual(
    (await deploy(tables, null)).map((notice) => notice.split(';')[0]),
    ['item: 100,011 objects are hidden'],
    'without a data model',
  );
  assert.deepEqual(await deploy(tables, null), []);
});

test('renamed-from moves the values of a field with the deployment, also where an earlier one hid them', async () => {
  await using tables = await testTables();
  const before = [
    makeModel(
      'item',
      [makeField('a', 'number'), makeField('spot', 'location'), makeField('file', 'photo')],
      [{ name: 'owner', model: 'item' }],
    ),
  ];
  const after = [
    {
      ...makeModel(
        'item',
        [
          renamed(makeField('b', 'number'), 'a'),
          renamed(makeField('place', 'location'), 'spot'),
          renamed(makeField('picture', 'photo'), 'file'),
          makeField('more', 'text'),
        ],
        [{ name: 'holder', model: 'item', renamedFrom: 'owner' }],
      ),
      indexes: [{ name: 'b', on: ['b'] }],
    },
  ];
  await deploy(tables, before);
  await tables.sql(
    `insert into ${schema}.item (id, a, "spot.latitude", "spot.longitude", "file.key", owner_id) select ('00000000-0000-4000-8000-00000000000' || i)::uuid, i, i, i, gen_random_uuid(), gen_random_uuid() from generate_series(1, 3) i`,
  );
  const told: string[] = [];
  assert.deepEqual(await deploy(tables, after, told), [], 'nothing is hidden');
  assert.deepEqual(
    told.filter((what) => what.startsWith('data model: renaming')),
    [
      'data model: renaming item.a to b',
      'data model: renaming item.spot to place',
      'data model: renaming item.file to picture',
      'data model: renaming item.owner to holder',
    ],
  );
  assert.deepEqual(await values(tables, 'b'), [1, 2, 3]);
  assert.deepEqual(await values(tables, '"place.longitude"'), [1, 2, 3]);
  const { columns, indexes } = await describeSchema(tables);
  assert.deepEqual(
    Object.keys(columns).filter((name) => /\.(a$|owner_id|spot\.|file\.)/.test(name)),
    [],
  );
  assert.deepEqual(indexes, { 'item.b': 'btree (b, id)' });
  await assert.rejects(tables.sql(`update ${schema}.item set b = 'NaN'`), /b~finite/, 'its checks go with it');

  const again: string[] = [];
  assert.deepEqual(await deploy(tables, after, again), []);
  assert.deepEqual(again, [], 'nothing is left to do');
  const later = [
    { ...after[0], fields: after[0]?.fields.map(({ renamedFrom: _, ...field }) => field) ?? [] },
  ] as readonly Model[];
  assert.deepEqual(await deploy(tables, later), [], 'it can be left out again');
  assert.deepEqual(await values(tables, 'b'), [1, 2, 3]);
});

test('renamed-from takes the place of a name that holds nothing yet, and is refused where both hold values', async () => {
  await using tables = await testTables();
  await deploy(tables, item(makeField('a', 'text')));
  await tables.sql(
    `insert into ${schema}.item (id, a) values ('00000000-0000-4000-8000-000000000001', 'one'), ('00000000-0000-4000-8000-000000000002', 'two')`,
  );
  await deploy(tables, item(makeField('b', 'text')));
  const after = item(renamed(makeField('b', 'text'), 'a'));
  await tables.sql(`update ${schema}.item set b = 'new' where a = 'two'`);
  const message = await conflictOf(tables, after);
  assert.match(
    message,
    /item\.b is renamed from a, and both have values; 2 values are not null; by hand:\n {2}update .* set "b" = "a" where num_nonnulls\("b"\) = 0; alter table .* rename column "a" to "a~1";/,
  );

  await tables.sql(`update ${schema}.item set b = null`);
  assert.deepEqual(await deploy(tables, after), []);
  assert.deepEqual(await values(tables, 'b'), ['one', 'two']);

  // The statement of the error does as it says: what has the new name counts.
  await tables.sql(`alter table ${schema}.item add column a text collate "C"`);
  await tables.sql(`update ${schema}.item set a = 'old'`);
  await tables.sql(`update ${schema}.item set b = null where b = 'two'`);
  const [, statement = ''] = /by hand:\n {2}(.*)/.exec(await conflictOf(tables, after)) ?? [];
  await tables.sql(statement.split('; ')[0] ?? '');
  await tables.sql(statement.split('; ')[1] ?? '');
  await deploy(tables, after);
  assert.deepEqual(await values(tables, 'b'), ['one', 'old']);

  await tables.sql(`alter table ${schema}.item add column a text collate "C"`);
  assert.deepEqual(await deploy(tables, after), [], 'a former name that holds nothing is left alone');
  assert.deepEqual(await values(tables, 'b'), ['one', 'old']);
});

test('a model that is renamed keeps its objects, its indexes and those that belong to it', async () => {
  await using tables = await testTables();
  const building = { ...makeModel('building', [makeField('name', 'text')]), indexes: [{ name: 'name', on: ['name'] }] };
  await deploy(tables, [building, makeModel('asset', [], [{ name: 'building', model: 'building' }])]);
  await tables.sql(`insert into ${schema}.building (id, name) values ('00000000-0000-4000-8000-000000000001', 'Hall')`);
  await tables.sql(
    `insert into ${schema}.asset (id, building_id) values (gen_random_uuid(), '00000000-0000-4000-8000-000000000001')`,
  );
  const house = {
    ...makeModel('house', [renamed(makeField('title', 'text'), 'name')]),
    indexes: [{ name: 'title', on: ['title'] }],
    renamedFrom: 'building',
  };
  const after = [house, makeModel('asset', [], [{ name: 'house', model: 'house', renamedFrom: 'building' }])];
  const told: string[] = [];
  assert.deepEqual(await deploy(tables, after, told), []);
  assert.ok(told.includes('data model: renaming model building to house'));
  assert.deepEqual(await values(tables, 'title', 'house'), ['Hall']);
  assert.deepEqual(await values(tables, 'house_id', 'asset'), ['00000000-0000-4000-8000-000000000001']);
  assert.deepEqual((await describeSchema(tables)).indexes, { 'house.title': 'btree (title, id)' });
  assert.deepEqual(await deploy(tables, after, told), []);

  // Another model may take the name, with all that is called after it.
  const { renamedFrom: _, ...asItIs } = house;
  const both = [asItIs, building, makeModel('asset', [], [{ name: 'house', model: 'house' }])];
  await deploy(tables, both);
  await tables.sql(`insert into ${schema}.building (id, name) values (gen_random_uuid(), 'Shed')`);
  assert.match(
    await conflictOf(tables, [house, makeModel('asset', [], [{ name: 'house', model: 'house' }])]),
    /house is renamed from building, and there are objects of both/,
  );
  await tables.sql(`delete from ${schema}.house`);
  await deploy(tables, [house, makeModel('asset', [], [{ name: 'house', model: 'house' }])]);
  assert.deepEqual(await values(tables, 'title', 'house'), ['Shed']);
});

test('a rollback to the model before a rename takes the values back', async () => {
  await using tables = await testTables();
  const older = [makeModel('building', [makeField('name', 'text'), makeField('other', 'text')])];
  const newer = [
    {
      ...makeModel('house', [renamed(makeField('title', 'text'), 'name'), makeField('other', 'text')]),
      renamedFrom: 'building',
    },
  ];
  await deploy(tables, older);
  await tables.sql(`insert into ${schema}.building (id, name) values (gen_random_uuid(), 'Hall')`);
  for (const turn of ['first', 'second']) {
    assert.deepEqual(await deploy(tables, newer), []);
    assert.deepEqual(await values(tables, 'title', 'house'), ['Hall'], turn);
    assert.deepEqual(await deploy(tables, older), []);
    assert.deepEqual(await values(tables, 'name', 'building'), ['Hall'], turn);
  }
});

test('the names change in the transaction of the deployment', async () => {
  await using tables = await testTables();
  const { store } = tables;
  await deploy(tables, item(makeField('a', 'number')));
  const before = await describeSchema(tables);
  const dataModel = { models: item(renamed(makeField('b', 'number'), 'a')) };
  const failed = withTables(store, { environment: 'testing', dataModel, onProgress: () => undefined }, (renames) =>
    store.transaction(async (db) => {
      await renames.rename(db);
      assert.deepEqual(await db.query({ name: '', text: `select b from ${schema}.item` }), []);
      throw new Error('the activation failed');
    }),
  );
  await assert.rejects(failed, /the activation failed/);
  assert.deepEqual(await describeSchema(tables), before);
});

test('a name that differs from a stored one in case alone is refused, with the two ways out', async () => {
  await using tables = await testTables();
  await deploy(tables, [
    makeModel('item', [makeField('make', 'text'), makeField('place', 'location')], [{ name: 'owner', model: 'item' }]),
  ]);
  await tables.sql(`insert into ${schema}.item (id, make) values (gen_random_uuid(), 'x')`);
  const cases: readonly (readonly [Model, RegExp])[] = [
    [
      makeModel('item', [makeField('Make', 'text')]),
      /item\.Make is stored as make, which differs in case alone: write `make`, or add renamed-from="make" \(in data-model\.ts, renamedFrom: 'make'\); 1 value is not null; by hand:\n.* rename column "make" to "Make";/,
    ],
    [makeModel('item', [makeField('PLACE', 'location')]), /item\.PLACE is stored as place, /],
    [makeModel('item', [], [{ name: 'Owner', model: 'item' }]), /item\.Owner is stored as owner, /],
    [
      makeModel('Item', [makeField('make', 'text')]),
      /Item is stored as item, which differs in case alone: write `item`/,
    ],
  ];
  for (const [wanted, message] of cases) assert.match(await conflictOf(tables, [wanted]), message);
  await deploy(tables, []);
  for (const [wanted, message] of cases)
    assert.match(await conflictOf(tables, [wanted]), message, 'also when it is hidden');
  assert.deepEqual(
    await deploy(tables, [{ ...makeModel('Item', [renamed(makeField('Make', 'text'), 'make')]), renamedFrom: 'item' }]),
    [],
  );
  assert.deepEqual(await values(tables, '"Make"', '"Item"'), ['x']);
});

test('a rename to another type is refused by the name that is stored', async () => {
  await using tables = await testTables();
  await deploy(tables, item(makeField('a', 'text')));
  assert.match(
    await conflictOf(tables, item(renamed(makeField('b', 'date'), 'a'))),
    /item\.a is stored as text .* alter column "a" type date/s,
  );
});
