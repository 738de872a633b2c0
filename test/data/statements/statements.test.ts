import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { CloudCodeError } from '../../../src/engine/core/errors.ts';
import type { Model } from '../../../src/data/model/data-model.ts';
import { fieldTypes } from '../../../src/data/model/field-types.ts';
import { countObjects } from '../../../src/data/statements/count-objects.ts';
import { destroyMatching } from '../../../src/data/statements/destroy-matching.ts';
import { readFile } from '../../../src/data/statements/read-file.ts';
import { selectPage } from '../../../src/data/statements/select-page.ts';
import { dataTarget } from '../../../src/data/statements/target.ts';
import { destroyObjects, insertObjects, updateObjects } from '../../../src/data/statements/write-objects.ts';
import type { Selection } from '../../../src/data/protocol/data-calls.ts';
import type { Statement } from '../../../src/engine/store/open-store.ts';
import { makeField, makeModel, type TestData, testData } from './open-data.ts';
import { readPage, valuesOf } from './read-page.ts';
import { columnsOfThing, sampleThings, thing } from './things.ts';

async function insert(data: TestData, model: Model, rows: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {}).filter((name) => name !== 'id');
  await data.store.query(
    insertObjects(data.target, data.caller, {
      model: model.name,
      columns,
      ids: rows.map(({ id }) => String(id)),
      rows: JSON.stringify(rows),
    }),
  );
}

async function select(
  data: TestData,
  model: string,
  selection: Partial<Selection> = {},
): Promise<readonly (readonly unknown[])[]> {
  const whole = { model, where: [], orderBy: [], skip: 0, limit: null, ...selection };
  return valuesOf(await readPage(data, data.store, { selection: whole, after: null, pageSize: 1000 }));
}

async function rowOf(data: TestData, statement: Statement): Promise<Readonly<Record<string, unknown>>> {
  const [row] = await data.store.query<Record<string, unknown>>(statement);
  assert.ok(row !== undefined);
  return row;
}

function isCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof CloudCodeError && error.code === code;
}

test('what an object is overwritten, changed and destroyed by is what it is asked to be, and what is not there is named', async () => {
  await using data = await testData([thing]);
  const [one, two, three] = sampleThings(3, 3);
  assert.ok(one !== undefined && two !== undefined && three !== undefined);
  await insert(data, thing, [one, two]);
  await insert(data, thing, [{ id: two.id, name: 'new' }]);
  const [, again] = (await select(data, 'thing', { orderBy: ['id'] })).toSorted((left) =>
    left[0] === two.id ? 1 : -1,
  );
  assert.deepEqual(again, [two.id, 'new', ...Array.from({ length: 14 }, () => null)], 'what is not given becomes null');

  const change = (ids: readonly string[], columns: readonly string[], values: object): Statement => {
    return updateObjects(data.target, data.caller, {
      model: 'thing',
      columns,
      ids,
      values: Object.values(values).map((value) => JSON.stringify(ids.map(() => value as unknown))),
    });
  };
  assert.equal(
    (await rowOf(data, change([two.id], ['count', 'owner_id'], { count: 5, owner_id: one.id })))['missing'],
    null,
  );
  assert.deepEqual((await rowOf(data, change([two.id, three.id, one.id], ['name'], { name: 'all' })))['missing'], [
    three.id,
  ]);
  assert.deepEqual(
    await data.store.query(change([three.id], ['name'], { name: 'none' })),
    [],
    'a single one that is not there gives no row',
  );
  assert.equal((await rowOf(data, change([one.id], [], {})))['missing'], null, 'nothing to change is fine');
  assert.deepEqual(
    (
      await select(data, 'thing', {
        where: [{ expression: 'count = ? and owner = ? and name = ?', args: [5, one.id, 'all'] }],
      })
    ).map(([id]) => id),
    [two.id],
  );

  assert.deepEqual(
    (await rowOf(data, destroyObjects(data.target, data.caller, { model: 'thing', ids: [three.id, one.id] })))[
      'missing'
    ],
    [three.id],
  );
  assert.deepEqual(
    await data.store.query(destroyObjects(data.target, data.caller, { model: 'thing', ids: [one.id] })),
    [],
  );
  assert.deepEqual(
    (await select(data, 'thing')).map(([id]) => id),
    [two.id],
  );
});

test('the bytes of a file come back as they were, and only under their key', async () => {
  await using data = await testData([thing]);
  const bytes = randomBytes(300_001);
  const key = randomUUID();
  const id = randomUUID();
  const file = {
    key,
    filename: 'ü.bin',
    contentType: 'application/octet-stream',
    size: bytes.length,
    base64: bytes.toString('base64'),
  };
  await insert(data, thing, [{ id, file }]);
  const read = (wanted: string): Promise<Readonly<Record<string, unknown>>> =>
    rowOf(data, readFile(data.target, data.caller, { model: 'thing', id, field: 'file', key: wanted }));
  assert.equal((await read(key))['base64'], file.base64);
  assert.equal((await read(randomUUID()))['base64'], null);
  await data.store.query(
    updateObjects(data.target, data.caller, {
      model: 'thing',
      columns: ['file'],
      ids: [id],
      values: ['[null]'],
    }),
  );
  assert.equal((await read(key))['base64'], null);
  assert.throws(
    () => readFile(data.target, data.caller, { model: 'thing', id, field: 'name', key }),
    isCode('unknown_field'),
  );
});

test('what is read does not depend on the settings of the server', async () => {
  await using data = await testData([thing]);
  await insert(data, thing, sampleThings(50, 8));
  const before = await select(data, 'thing');
  const settings = [
    "timezone = 'Africa/Monrovia'",
    "datestyle = 'SQL, DMY'",
    "bytea_output = 'escape'",
    "intervalstyle = 'iso_8601'",
    "lc_messages = 'C'",
    'backslash_quote = off',
  ];
  const after = await data.store.transaction(async (db) => {
    for (const setting of settings) await db.query({ name: '', text: `set local ${setting}` });
    await db.query(
      insertObjects(data.target, data.caller, {
        model: 'thing',
        columns: columnsOfThing,
        ids: [],
        rows: JSON.stringify(sampleThings(50, 8)),
      }),
    );
    const selection: Selection = {
      model: 'thing',
      where: [
        {
          expression: 'day >= ? and at >= ? or not at < ? or not day < ?',
          args: ['0001-01-01', '0001-01-01T00:00:00.000Z', '0001-01-01T00:00:00.000Z', '0001-01-01'],
        },
      ],
      orderBy: [],
      skip: 0,
      limit: null,
    };
    return valuesOf(await readPage(data, db, { selection, after: null, pageSize: 1000 }));
  });
  assert.deepEqual(after, before);
});

test('a model of 300 fields of every type is written and read', async () => {
  const wide = makeModel(
    'wide',
    Array.from({ length: 300 }, (_, index) =>
      makeField(
        `field${index}`,
        fieldTypes[index % fieldTypes.length] ?? 'text',
        fieldTypes[index % fieldTypes.length]?.includes('integer') === true ? [1] : ['a'],
      ),
    ),
    [{ name: 'wide', model: 'wide' }],
  );
  await using data = await testData([wide]);
  const id = randomUUID();
  const integers = Object.fromEntries(
    wide.fields.filter(({ type }) => type === 'integer').map(({ name }, index) => [name, index]),
  );
  await insert(data, wide, [
    { id, ...integers, wide_id: id },
    { id: randomUUID(), ...integers, wide_id: null },
  ]);
  const objects = await select(data, 'wide', { orderBy: ['wide'] });
  assert.equal(objects[0]?.length, 302);
  assert.deepEqual(objects[0], [id, ...wide.fields.map(({ name }) => integers[name] ?? null), id]);
  assert.deepEqual(await select(data, 'wide', { where: [{ expression: 'wide = ?', args: [id] }], limit: 1 }), [
    objects[0],
  ]);
});

test('names that a model cannot have, and values of any kind, are never read as SQL', async () => {
  const hostile = `x"; drop table cloudcode.runs; --'\\$1 %s`;
  const model = makeModel(
    hostile,
    [
      makeField(hostile, 'text'),
      makeField(`${hostile}2`, 'location'),
      makeField(`${hostile}3`, 'photo'),
      makeField(`${hostile}4`, 'datetime'),
    ],
    [{ name: 'o"', model: hostile }],
  );
  await using data = await testData([makeModel('plain', [makeField('name', 'text')])]);
  const target = dataTarget(`a"b'; drop schema cloudcode cascade; --`, { models: [model] });
  const statements = [
    insertObjects(target, data.caller, {
      model: hostile,
      columns: model.fields.map(({ name }) => name),
      ids: [],
      rows: '[]',
    }),
    updateObjects(target, data.caller, { model: hostile, columns: ['o"_id', hostile], ids: [], values: ['[]', '[]'] }),
    destroyObjects(target, data.caller, { model: hostile, ids: [] }),
    selectPage(target, data.caller, {
      kind: 'select',
      selection: { model: hostile, where: [], orderBy: [hostile, 'o"'], skip: 0, limit: null },
      after: ['a', null, randomUUID()],
      pageSize: 5,
    }),
    countObjects(target, data.caller, { model: hostile, where: [], orderBy: [], skip: 0, limit: null }),
    readFile(target, data.caller, { model: hostile, id: randomUUID(), field: `${hostile}3`, key: randomUUID() }),
  ];
  for (const statement of statements) {
    // One statement on a table that is not there, and nothing else.
    await assert.rejects(
      data.store.query(statement),
      (error: { code?: string }) => error.code === '42P01' || error.code === '42703',
      statement.text,
    );
  }
  assert.equal((await data.store.query({ name: '', text: 'select from cloudcode.runs' })).length, 1);
  for (const value of [hostile, "' or true --", '$1', '\\', '%', '{"a":null}', '","']) {
    assert.deepEqual(
      await select(data, 'plain', {
        where: [{ expression: 'name = ? or name contains ? or name in ?', args: [value, value, [value, null]] }],
        limit: null,
      }),
      [],
    );
    const id = randomUUID();
    const plain = data.target.models.get('plain');
    assert.ok(plain !== undefined);
    await insert(data, plain, [{ id, name: value }]);
    assert.deepEqual(
      await select(data, 'plain', {
        where: [
          {
            expression: 'name = ? and name in ? and name contains ? and name starts with ?',
            args: [value, [value, null], value, value],
          },
        ],
      }),
      [[id, value]],
    );
    await data.store.query(destroyObjects(data.target, data.caller, { model: 'plain', ids: [id] }));
  }
});

test('models, fields, expressions and orders that the data model does not have are refused before anything is sent', async () => {
  const target = dataTarget('testing', { models: [thing] });
  const caller = { runId: randomUUID(), fence: '1' };
  const selection = { model: 'thing', where: [], orderBy: [], skip: 0, limit: null };
  const refused = (run: () => unknown, code: string, message: RegExp): void =>
    assert.throws(
      run,
      (error) =>
        error instanceof CloudCodeError && error.code === code && message.test(`${error.message} ${error.hint ?? ''}`),
    );
  refused(
    () => countObjects(target, caller, { ...selection, model: 'thign' }),
    'unknown_model',
    /"thign".*Did you mean `thing`/,
  );
  refused(() => countObjects(dataTarget('testing', null), caller, selection), 'unknown_model', /schema\.xml/);
  refused(
    () => insertObjects(target, caller, { model: 'thing', columns: ['nam'], ids: [], rows: '[]' }),
    'unknown_field',
    /"nam".*Did you mean `name`/,
  );
  refused(
    () => updateObjects(target, caller, { model: 'thing', columns: ['id'], ids: [], values: ['[]'] }),
    'unknown_field',
    /"id"/,
  );
  refused(
    () => updateObjects(target, caller, { model: 'thing', columns: ['owner'], ids: [], values: ['[]'] }),
    'unknown_field',
    /"owner"/,
  );
  refused(
    () => destroyMatching(target, caller, { ...selection, where: [{ expression: 'nam = ?', args: ['x'] }] }),
    'invalid_expression',
    /Did you mean `name`/,
  );
  refused(
    () => destroyMatching(target, caller, { ...selection, where: [{ expression: 'count = ?', args: ['x'] }] }),
    'invalid_expression',
    /"x"/,
  );
  refused(
    () =>
      selectPage(target, caller, {
        kind: 'select',
        selection: { ...selection, orderBy: ['place'] },
        after: null,
        pageSize: 1,
      }),
    'invalid_order',
    /place/,
  );
});
