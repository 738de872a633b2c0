import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Day } from '../../../src/data/model/day.ts';
import type { Asset } from './asset-model.ts';
import { openDb, type TestDb } from './open-db.ts';

/** Assets 0 to `count` - 1, in two buildings of one owner; every seventh has no building. */
async function fill({ DB }: TestDb, count: number): Promise<void> {
  const owner = DB.owner.create({ name: 'O' });
  const buildings = ['A', 'B'].map((name) => DB.building.create({ name, owner }));
  const batch = new DB.Batch();
  [owner, ...buildings].forEach((object) => batch.save(object));
  for (let number = 0; number < count; number += 1) {
    batch.save(
      DB.asset.create({
        count: number,
        make: number % 10 === 0 ? null : `m${number % 10}`,
        building: number % 7 === 0 ? null : (buildings[number % 2] ?? null),
      }),
    );
  }
  await batch.execute();
}
const counts = (assets: readonly Asset[]): readonly (number | null)[] => assets.map(({ count }) => count);
const range = (start: number, end: number): readonly number[] =>
  Array.from({ length: end - start }, (_, index) => start + index);

describe('a query', () => {
  it('reads nothing until it is asked, and each step of the chain is another query', async () => {
    await using t = await openDb();
    await fill(t, 30);
    t.calls.length = 0;
    const all = t.DB.asset.all();
    const some = all.where('count >= ?', 10).where('count < ?', 20).orderBy('-count').skip(1).limit(3);
    assert.equal(t.calls.length, 0);
    assert.deepEqual(counts(await some.toArray()), [18, 17, 16]);
    assert.equal((await all.toArray()).length, 30);
    assert.equal((await some.first())?.count, 18);
    assert.equal(await some.count(), 3);
    assert.deepEqual(counts(await some.orderBy('count').toArray()), [11, 12, 13]);
    assert.equal(await some.limit(0).first(), null);
    assert.deepEqual(await some.limit(0).toArray(), []);
    assert.throws(() => Object.assign(all, { x: 1 }), TypeError);
  });

  it('goes through every object once, page by page, in every order', async () => {
    await using t = await openDb();
    await fill(t, 2300);
    const orders: readonly (readonly string[])[] = [
      [],
      ['count'],
      ['make', '-count'],
      ['-make', 'id'],
      ['building', '-make'],
      ['-building_id'],
      ['-id'],
    ];
    for (const order of orders) {
      const all = t.DB.asset.all().orderBy(...order);
      const listed = await all.toArray();
      assert.deepEqual(
        [...counts(listed)].sort((a, b) => Number(a) - Number(b)),
        range(0, 2300),
        order.join(),
      );
      const streamed: Asset[] = [];
      for await (const asset of all) streamed.push(asset);
      assert.deepEqual(counts(streamed), counts(listed), order.join());
      assert.deepEqual(
        counts(await all.skip(999).limit(1101).toArray()),
        counts(listed).slice(999, 2100),
        order.join(),
      );
    }
  });

  it('stops reading when the loop stops, and begins with a small page', async () => {
    await using t = await openDb();
    await fill(t, 300);
    t.calls.length = 0;
    for await (const asset of t.DB.asset.all().orderBy('count')) if (asset.count === 50) break;
    assert.deepEqual(
      t.calls.map((call) => (call.kind === 'select' ? call.pageSize : call)),
      [100],
    );
    for await (const asset of t.DB.asset.all().orderBy('count')) if (asset.count === 150) break;
    assert.deepEqual(
      t.calls.map((call) => (call.kind === 'select' ? call.pageSize : call)),
      [100, 100, 1000],
    );
  });

  it('goes on at the right place when a loop changes what it is ordered by', async () => {
    await using t = await openDb();
    await fill(t, 250);
    const seen: (number | null)[] = [];
    for await (const asset of t.DB.asset.all().orderBy('count')) {
      seen.push(asset.count);
      asset.count = 10_000 - Number(asset.count);
    }
    assert.deepEqual(seen, range(0, 250));
  });

  it('forEach waits for each call, and passes on what is thrown', async () => {
    await using t = await openDb();
    await fill(t, 5);
    const events: string[] = [];
    await t.DB.asset
      .all()
      .orderBy('count')
      .forEach(async (asset, index) => {
        events.push(`begin ${String(asset.count)}`);
        await new Promise(setImmediate);
        events.push(`end ${index}`);
      });
    assert.deepEqual(
      events,
      range(0, 5).flatMap((number) => [`begin ${number}`, `end ${number}`]),
    );
    await assert.rejects(
      t.DB.asset.all().forEach(() => Promise.reject(new Error('mine'))),
      { message: 'mine' },
    );
    await assert.rejects(t.DB.asset.all().forEach(5 as never), { code: 'invalid_query', message: /this is 5/ });
  });

  it('destroys all that it finds, and says how many', async () => {
    await using t = await openDb();
    await fill(t, 40);
    assert.equal(await t.DB.asset.where('count < ?', 10).destroyAll(), 10);
    assert.equal(await t.DB.asset.all().orderBy('-count').limit(5).destroyAll(), 5);
    assert.deepEqual(counts(await t.DB.asset.all().orderBy('count').toArray()), range(10, 35));
    t.faults.push({ when: 'before', code: 'database_unreachable' });
    await assert.rejects(t.DB.asset.all().destroyAll(), { code: 'database_unreachable' });
    assert.equal(await t.DB.building.all().destroyAll(), 2);
  });

  it('takes objects, days and dates as arguments', async () => {
    await using t = await openDb();
    const building = t.DB.building.create();
    const asset = t.DB.asset.create({ building, bought: new Day(2026, 3, 1), seen_at: new Date(5) });
    await asset.save();
    for (const [expression, value] of [
      ['building = ?', building],
      ['building_id = ?', building.id],
      ['bought = ?', new Day('2026-03-01')],
      ['seen_at = ?', new Date(5)],
      ['building in ?', [building]],
    ] as const) {
      assert.equal((await t.DB.asset.where(expression, value).first())?.id, asset.id, expression);
    }
  });

  it('shows what it is, and has no JSON', async () => {
    await using t = await openDb();
    assert.equal(
      inspect(t.DB.asset.where('make = ?', 'a').where('count > ?', 1)),
      'query of asset where (make = ?) and (count > ?): nothing was read yet; use toArray()',
    );
    assert.throws(() => JSON.stringify({ assets: t.DB.asset.all() }), { code: 'invalid_query', message: /toArray/ });
  });

  it('refuses what is wrong at once, in one message with the fix', async () => {
    await using t = await openDb();
    const all = t.DB.asset.all();
    assert.throws(() => all.where('maek = ?', 1), {
      code: 'invalid_expression',
      message: /maek = \?\n {2}\^ Did you mean `make`\?$/,
    });
    assert.throws(() => t.DB.asset.where('make = ?'), { code: 'invalid_expression' });
    assert.throws(() => all.orderBy('maek'), { code: 'invalid_order', message: /Did you mean `make`/ });
    for (const count of [-1, 1.5, Number.NaN, '3', undefined])
      assert.throws(() => all.limit(count as number), {
        code: 'invalid_query',
        message: /limit takes a whole number from 0/,
      });
    assert.throws(() => all.skip(-1), { code: 'invalid_query', message: /skip takes/ });
  });
});

describe('first', () => {
  it('finds by id, by expression, or any', async () => {
    await using t = await openDb();
    await fill(t, 3);
    const asset = await t.DB.asset.first('count = ?', 2);
    assert.equal(asset?.count, 2);
    assert.equal((await t.DB.asset.first(asset.id.toUpperCase()))?.count, 2);
    assert.ok((await t.DB.asset.first()) !== null);
    assert.equal(await t.DB.asset.first('00000000-0000-4000-8000-000000000000'), null);
    assert.equal(await t.DB.asset.first('make = ? and count = ?', 'x', 1), null);
    assert.equal(await t.DB.marker.first(), null);
  });

  it('refuses what is neither', async () => {
    await using t = await openDb();
    const wrong: readonly (readonly [readonly unknown[], string, RegExp])[] = [
      [[undefined], 'invalid_query', /first\(undefined\): there is no id/],
      [[null], 'invalid_query', /first\(null\): there is no id/],
      [['invoice-42'], 'invalid_query', /neither an id, which is a UUID, nor an expression/],
      [[42], 'invalid_query', /this is 42/],
      [[t.DB.asset.create()], 'invalid_query', /Give its id/],
      [['make = Nokia'], 'invalid_expression', /\^/],
      [['make', 'Nokia'], 'invalid_expression', /make/],
    ];
    for (const [given, code, message] of wrong) await assert.rejects(t.DB.asset.first(...given), { code, message });
  });
});

describe('relationships', () => {
  it('a belongs-to is set and read by a call, and kept', async () => {
    await using t = await openDb();
    const building = t.DB.building.create({ name: 'A' });
    const asset = t.DB.asset.create();
    asset.building(building);
    assert.equal(asset.building_id, building.id);
    assert.equal(await asset.building(), building);
    const batch = new t.DB.Batch();
    batch.save(building);
    batch.save(asset);
    await batch.execute();
    const found = await t.DB.asset.first(asset.id);
    const read = await found?.building();
    assert.equal(read?.name, 'A');
    t.calls.length = 0;
    assert.equal(await found?.building(), read);
    assert.equal(t.calls.length, 0);
    found?.building(null);
    assert.deepEqual([found?.building_id, await found?.building()], [null, null]);
    Object.assign(found ?? {}, { building_id: building.id.toUpperCase() });
    assert.equal((await found?.building())?.id, building.id);
    await building.destroy();
    await found?.reload();
    assert.equal(await found?.building(), null);
    assert.equal(found?.building_id, building.id);
  });

  it('a has-many is a query', async () => {
    await using t = await openDb();
    await fill(t, 20);
    const building = await t.DB.building.first('name = ?', 'B');
    assert.deepEqual(
      counts((await building?.assets.orderBy('count').toArray()) ?? []),
      range(0, 20).filter((number) => number % 2 === 1 && number % 7 !== 0),
    );
    assert.equal(await building?.assets.where('count > ?', 10).count(), 5);
    assert.deepEqual(await t.DB.building.create().assets.toArray(), []);
  });
});

describe('include', () => {
  it('reads with one query for each relationship and page, not for each object', async () => {
    await using t = await openDb();
    await fill(t, 300);
    t.calls.length = 0;
    const assets = await t.DB.asset.all().orderBy('count').include('building.owner', 'spare').toArray();
    assert.equal(t.calls.length, 3);
    const owners = new Set();
    for (const asset of assets) {
      const building = await asset.building();
      assert.equal(building?.id ?? null, asset.building_id);
      if (building !== null) owners.add(await building.owner());
      assert.equal(await asset.spare(), null);
    }
    assert.equal(owners.size, 1);
    assert.equal(new Set(await Promise.all(assets.map((asset) => asset.building()))).size, 3);
    assert.equal(t.calls.length, 3);
    for await (const asset of t.DB.asset.all().include('building')) await asset.building();
    assert.deepEqual(
      t.calls.slice(3).map((call) => (call.kind === 'select' ? [call.selection.model, call.pageSize] : [])),
      [
        ['asset', 100],
        ['building', 1000],
        ['asset', 1000],
        ['building', 1000],
      ],
    );
  });

  it('reads has-many too, and what was read is used until something is chained to it', async () => {
    await using t = await openDb();
    await fill(t, 2500);
    await t.DB.building.create({ name: 'empty' }).save();
    t.calls.length = 0;
    const buildings = await t.DB.building.all().orderBy('name').include('assets.building', 'owner').toArray();
    const read = t.calls.length;
    const [a, b, empty] = buildings;
    assert.ok(a !== undefined && b !== undefined && empty !== undefined);
    assert.deepEqual(await Promise.all(buildings.map((building) => building.assets.count())), [1071, 1071, 0]);
    const assets = await a.assets.toArray();
    assets.length = 0;
    const [first] = await a.assets.toArray();
    assert.ok(first !== undefined);
    assert.equal(await a.assets.first(), first);
    assert.equal((await first.building())?.id, a.id);
    let streamed = 0;
    for await (const asset of b.assets) streamed += asset.building_id === b.id ? 1 : 0;
    await b.assets.forEach(() => (streamed += 1));
    assert.equal(streamed, 2142);
    assert.equal(inspect(empty.assets), 'query of asset: 0 objects were included; use toArray()');
    assert.equal(t.calls.length, read);
    assert.equal(await a.assets.where('count < ?', 10).count(), 4);
    assert.equal(t.calls.length, read + 1);
    await a.reload();
    assert.match(inspect(a.assets), /nothing was read yet/);
  });

  it('leads back to the same object', async () => {
    await using t = await openDb();
    await fill(t, 10);
    const [building] = await t.DB.building.all().include('assets').toArray();
    t.calls.length = 0;
    for (const asset of (await building?.assets.toArray()) ?? []) assert.equal(await asset.building(), building);
    assert.equal(t.calls.length, 0);
  });

  it('finds null for an object that is gone', async () => {
    await using t = await openDb();
    await fill(t, 3);
    await t.DB.building.all().destroyAll();
    const asset = await t.DB.asset.where('building != ?', null).include('building').first();
    t.calls.length = 0;
    assert.equal(await asset?.building(), null);
    assert.equal(t.calls.length, 0);
  });

  it('refuses a wrong path, with the one that was meant', async () => {
    await using t = await openDb();
    const all = t.DB.asset.all();
    assert.throws(() => all.include('bulding'), {
      code: 'unknown_field',
      message: 'The model `asset` has no relationship `bulding`. Did you mean `building`?',
    });
    assert.throws(() => all.include('building.onwer'), {
      code: 'unknown_field',
      message: /`building` has no relationship `onwer` \(in include\('building\.onwer'\)\)\. Did you mean `owner`/,
    });
    assert.throws(() => all.include('make'), { code: 'unknown_field', message: /It has building, spare/ });
    assert.throws(() => t.DB.owner.all().include('x'), { code: 'unknown_field', message: /It has none/ });
    assert.throws(() => all.include(['building'] as never), { code: 'invalid_query', message: /this is an array/ });
    assert.throws(() => all.include(''), { code: 'invalid_query' });
  });
});
