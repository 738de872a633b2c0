import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import type { DataModel } from '../../../src/data/model/data-model.ts';
import { assetModel } from './asset-model.ts';
import { openDb, rowsOf, type TestDb } from './open-db.ts';

const id = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

async function store(t: TestDb, number: number, columns: string, values: string): Promise<string> {
  await t.data.store.query({
    name: '',
    text: `insert into cloudcode_testing.asset (id, ${columns}) values ('${id(number)}', ${values})`,
  });
  return id(number);
}

/** Columns, values as SQL, the field, and how the error shows them. */
const wrong: readonly (readonly [columns: string, values: string, field: string, shown: string])[] = [
  ['price', "'NaN'", 'price', 'NaN'],
  ['price', "'Infinity'", 'price', 'Infinity'],
  ['price', "'-Infinity'", 'price', '-Infinity'],
  ['bought', "'infinity'", 'bought', 'infinity'],
  ['bought', "'0044-03-15 BC'", 'bought', '0044-03-15 BC'],
  ['bought', "'10000-01-01'", 'bought', '10000-01-01'],
  ['seen_at', "'infinity'", 'seen_at', 'infinity'],
  ['seen_at', "'-infinity'", 'seen_at', '-infinity'],
  ['seen_at', "'0044-03-15 12:00+00 BC'", 'seen_at', '0044-03-15 12:00:00+00 BC'],
  ['"place.latitude", "place.longitude"', "'NaN', 1", 'place', '{"latitude":"NaN"'],
  ['"place.latitude"', '1', 'place', '{"latitude":1,"longitude":null'],
];

describe('a value of another program that no task can read', () => {
  it('is refused by model, field and id, and its object can be read, shown, fixed and saved', async () => {
    await using t = await openDb();
    for (const [number, [columns, values, field, shown]] of wrong.entries()) {
      const stored = await store(t, number, `make, ${columns}`, `'Ford', ${values}`);
      const asset = await t.DB.asset.first(stored);
      assert.ok(asset !== null);
      assert.equal(asset.make, 'Ford');
      const message = `asset.${field} of ${stored} is stored as ${shown}`;
      const isRefusal = (error: unknown): boolean =>
        error instanceof Error &&
        'code' in error &&
        error.code === 'invalid_value' &&
        error.message.startsWith(message);
      assert.throws(() => Reflect.get(asset, field), isRefusal, message);
      assert.throws(() => JSON.stringify(asset), isRefusal);
      assert.match(inspect(asset), /make: 'Ford'/);
      asset.make = 'Fiat';
      await asset.save();
      Object.assign(asset, { [field]: null });
      await asset.save();
      assert.equal(Reflect.get((await t.DB.asset.first(stored)) ?? {}, field), null);
    }
  });

  it('has a place in every order', async () => {
    await using t = await openDb();
    const columns = ['price', 'bought', 'seen_at'];
    const extremes = [
      ["'-Infinity'", "'-infinity'", "'-infinity'"],
      ["'NaN'", "'infinity'", "'infinity'"],
    ];
    let number = 0;
    for (const [price, bought, seen] of extremes)
      for (let copy = 0; copy < 150; copy += 1)
        await store(t, (number += 1), columns.join(', '), `${price}, ${bought}, ${seen}`);
    for (const field of columns)
      for (const order of [field, `-${field}`]) {
        const seen: string[] = [];
        for await (const asset of t.DB.asset.all().orderBy(order)) seen.push(asset.id);
        assert.equal(new Set(seen).size, 300, order);
      }
  });

  it('is named when a check of its column refuses a save of its object', async () => {
    await using t = await openDb();
    const stored = await store(t, 1, 'price', "'NaN'");
    await t.data.store.query({
      name: '',
      text: `alter table cloudcode_testing.asset add constraint "price~finite" check (price > '-Infinity' and price < 'Infinity') not valid`,
    });
    const asset = await t.DB.asset.first(stored);
    assert.ok(asset !== null);
    asset.make = 'Ford';
    const refusal = {
      code: 'invalid_value',
      message: new RegExp(
        `^asset\\.price of ${stored} holds, or would hold, what the data model does not allow there \\(check price~finite\\)`,
      ),
    };
    await assert.rejects(asset.save(), refusal);
    const batch = new t.DB.Batch();
    batch.save(asset);
    batch.save(t.DB.asset.create());
    await assert.rejects(batch.execute(), refusal);
    asset.price = 1;
    await asset.save();
    assert.deepEqual(
      (await rowsOf(t.data, 'asset')).map(({ make, price }) => ({ make, price })),
      [{ make: 'Ford', price: 1 }],
    );
  });
});

describe('a key that is no option any more', () => {
  const formerKeys: Readonly<Record<string, readonly (string | number)[]>> = {
    condition: ['broken'],
    tags: ['old'],
    grade: [0],
    days: [9],
  };
  const model: DataModel = {
    models: assetModel.models.map((each) => ({
      ...each,
      fields: each.fields.map((field) =>
        each.name === 'asset' && formerKeys[field.name] !== undefined
          ? { ...field, formerKeys: formerKeys[field.name] ?? [] }
          : field,
      ),
    })),
  };

  it('is read, asked for, kept by a save of its object, and given to no other', async () => {
    await using t = await openDb(model);
    const stored = await store(t, 1, 'condition, tags, grade, days', `'broken', '{red,old}', 0, '{9}'`);
    const asset = await t.DB.asset.first(stored);
    assert.ok(asset !== null);
    assert.deepEqual([asset.condition, asset.tags, asset.grade, asset.days], ['broken', ['red', 'old'], 0, [9]]);
    const filters: readonly (readonly [string, unknown])[] = [
      ['condition = ?', 'broken'],
      ['condition in ?', ['good', 'broken']],
      ['tags contains ?', 'old'],
      ['tags = ?', ['old', 'red']],
      ['grade = ?', 0],
      ['days contains ?', 9],
    ];
    for (const [filter, value] of filters) assert.equal(await t.DB.asset.where(filter, value).count(), 1, filter);
    assert.throws(() => t.DB.asset.where('condition = ?', 'brokn'), {
      code: 'invalid_expression',
      message: /no option "brokn"/,
    });

    asset.make = 'Ford';
    asset.condition = 'broken';
    asset.grade = 0;
    asset.tags = [...(asset.tags ?? []), 'blue'];
    await asset.save();
    assert.deepEqual(
      (await rowsOf(t.data, 'asset')).map(({ make, condition, tags, grade }) => ({ make, condition, tags, grade })),
      [{ make: 'Ford', condition: 'broken', tags: ['red', 'blue', 'old'], grade: 0 }],
    );
    asset.condition = 'good';
    assert.throws(() => (asset.condition = 'broken'), { code: 'invalid_value', message: /"broken" is no choice/ });
    assert.throws(() => t.DB.asset.create({ condition: 'broken' }), { code: 'invalid_value' });
  });
});

describe('a time of another program', () => {
  it('is in a list what it is alone, whether a task can read it or not', async () => {
    await using t = await openDb();
    const times = [
      '0001-01-01 00:00:00+00',
      '2024-02-29 12:34:56.7+00',
      '2024-02-29 12:34:56.789+02',
      '9999-12-31 23:59:59.999+00',
      '10000-01-01 00:00:00+00',
      '10000-01-01 00:00:00.5+00',
      '0044-03-15 12:00:00+00 BC',
      '0044-03-15 12:00:00.5+00 BC',
      '0044-03-15 12:00:00.123+00 BC',
      'infinity',
      '-infinity',
    ];
    for (const [number, time] of times.entries()) await store(t, number, 'seen_at', `'${time}'`);
    const list = await t.DB.asset.all().toArray();
    assert.equal(list.length, times.length);
    for (const asset of list) assert.equal(inspect(asset), inspect(await t.DB.asset.first(asset.id)));
  });
});
