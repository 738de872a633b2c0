import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { openDb, rowsOf, type TestDb } from './open-db.ts';

let t: TestDb;
before(async () => (t = await openDb()));
after(() => t[Symbol.asyncDispose]());
beforeEach(() => {
  t.calls.length = 0;
  t.faults.length = 0;
});

async function stored(attributes: Readonly<Record<string, unknown>> = {}) {
  const asset = t.DB.asset.create(attributes);
  await asset.save();
  return asset;
}
const count = async (id: string): Promise<number | null | undefined> => (await t.DB.asset.first(id))?.count;

describe('increment', () => {
  it('adds in the database: whoever else does so too, and what a task has read, nothing is lost', async () => {
    const { id } = await stored({ count: 1, price: 0.5 });
    const others = [t.DB, t.another(), t.another(), t.another()];
    await Promise.all(
      others.map(async (DB) => {
        for (let time = 0; time < 10; time += 1) await DB.asset.increment(id, { count: 1 });
      }),
    );
    assert.deepEqual(await t.DB.asset.increment(id, { price: -2.25, count: -41 }), { price: -1.75, count: 0 });
    assert.equal(await count(id), 0);
  });

  it('counts null as 0, and leaves every other field alone', async () => {
    const { id } = await stored({ make: 'a', tags: ['red'] });
    assert.deepEqual(await t.DB.asset.increment(id.toUpperCase(), { count: 7 }), { count: 7 });
    const [row] = (await rowsOf(t.data, 'asset')).filter((each) => each['id'] === id);
    assert.deepEqual([row?.['make'], row?.['tags'], row?.['price'], row?.['count']], ['a', ['red'], null, 7]);
  });

  it('refuses what is no number, names nothing, or does not fit, and adds nothing then', async () => {
    const { id } = await stored({ count: 2_147_483_647, price: 1.7e308 });
    const { increment } = t.DB.asset;
    await assert.rejects(increment(id, { cuont: 1 }), {
      code: 'unknown_field',
      message: /cuont.*Did you mean `?count/s,
    });
    for (const name of ['make', 'grade', 'id', 'building', 'building_id', 'place'])
      await assert.rejects(increment(id, { [name]: 1 }), {
        code: 'invalid_value',
        message: new RegExp(`asset.${name} is no field of type integer or number`),
      });
    for (const amount of ['1', 1n, null, undefined, NaN, Infinity, {}])
      await assert.rejects(increment(id, { price: amount }), {
        code: 'invalid_value',
        message: /asset.price: .* is no finite number/,
      });
    await assert.rejects(increment(id, { count: 0.5 }), {
      code: 'invalid_value',
      message: /asset.count: 0.5 is no integer/,
    });
    await assert.rejects(increment(id, {}), { code: 'invalid_value', message: /no field is named/ });
    for (const amounts of [undefined, null, 1, 'count', [1]])
      await assert.rejects(increment(id, amounts), { code: 'invalid_value', message: /takes the amounts by field/ });
    for (const wrong of ['x', 3, undefined, await t.DB.asset.first(id)])
      await assert.rejects(increment(wrong, { count: 1 }), {
        code: 'invalid_value',
        message: /takes the id of an object/,
      });
    const nobody = randomUUID();
    await assert.rejects(increment(nobody, { count: 1 }), {
      code: 'object_not_found',
      message: new RegExp(`no asset ${nobody}`),
    });
    await assert.rejects(increment(id, { count: 1 }), {
      code: 'invalid_value',
      message: /asset.count of .* outside the 32-bit integers/,
    });
    await assert.rejects(increment(id, { price: 1.7e308, count: -1 }), {
      code: 'invalid_value',
      message: /asset.price, asset.count of .* beyond 1.8e308/,
    });
    assert.equal(await count(id), 2_147_483_647);
    assert.deepEqual(await increment(id, { count: -4_294_967_295 }), { count: -2_147_483_648 });
  });

  it('is noted only as long as somebody may repeat it', async () => {
    const { id } = await stored();
    for (let time = 0; time < 500; time += 1) await t.DB.asset.increment(id, { count: 1 });
    const [notes] = await t.data.store.query<{ count: number }>({
      name: '',
      text: 'select count(*)::integer as count from cloudcode.batches',
    });
    assert.ok((notes?.count ?? 0) < 500);
    assert.equal(await count(id), 500);
  });
});

describe('save({ ifUnchanged: true })', () => {
  it('refuses to save over what somebody else has saved since it was read; after a reload it goes through', async () => {
    const [asset, other] = [await stored({ count: 1 }), t.another()];
    const elsewhere = await other.asset.first(asset.id);
    assert.ok(elsewhere !== null);
    elsewhere.make = 'other';
    await elsewhere.save();
    asset.count = 2;
    for (let again = 0; again < 2; again += 1)
      await assert.rejects(asset.save({ ifUnchanged: true }), {
        code: 'object_changed',
        message: new RegExp(`asset ${asset.id} was saved elsewhere`),
      });
    assert.equal(await count(asset.id), 1);
    await asset.reload();
    assert.equal(asset.make, 'other');
    asset.count = 2;
    await asset.save({ ifUnchanged: true });
    asset.count = 3;
    await asset.save({ ifUnchanged: true });
    assert.equal(await count(asset.id), 3);
  });

  it('lets one of many through who read the same', async () => {
    const { id } = await stored({ count: 0 });
    const readers = await Promise.all([t.DB, t.another(), t.another(), t.another()].map((DB) => DB.asset.first(id)));
    const saved = await Promise.allSettled(
      readers.map(async (asset) => {
        if (asset === null) throw new Error('it is there');
        asset.count = (asset.count ?? 0) + 1;
        await asset.save({ ifUnchanged: true });
      }),
    );
    assert.deepEqual(saved.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected', 'rejected']);
    assert.equal(await count(id), 1);
  });

  it('knows an object by what its own saves made of it: new, changed, in a batch, several times', async () => {
    const asset = t.DB.asset.create({ count: 1 });
    await asset.save({ ifUnchanged: true });
    asset.count = 2;
    await asset.save();
    asset.count = 3;
    const batch = new t.DB.Batch();
    batch.save(asset);
    batch.save(t.DB.asset.create());
    await batch.execute();
    asset.count = 4;
    batch.save(asset, { ifUnchanged: true });
    batch.save(await stored());
    await batch.execute();
    asset.count = 5;
    await asset.save({ ifUnchanged: true });
    assert.equal(await count(asset.id), 5);
  });

  it('refuses also when a plain save of its own came between, over what somebody else had saved', async () => {
    for (const save of ['alone', 'in a batch'] as const) {
      const [asset, more] = [await stored({ count: 1, make: 'a' }), await stored()];
      await t.another().asset.increment(asset.id, { count: 1 });
      asset.make = more.make = 'b';
      const batch = new t.DB.Batch();
      for (const each of [asset, more]) batch.save(each);
      await (save === 'alone' ? asset.save() : batch.execute());
      asset.count = (asset.count ?? 0) + 1;
      await assert.rejects(asset.save({ ifUnchanged: true }), { code: 'object_changed' }, save);
      assert.equal(await count(asset.id), 2, save);
      more.count = 9;
      await more.save({ ifUnchanged: true });
    }
  });

  it('is asked also when nothing was changed', async () => {
    const asset = await stored();
    await asset.save({ ifUnchanged: true });
    await t.another().asset.increment(asset.id, { count: 1 });
    await assert.rejects(asset.save({ ifUnchanged: true }), { code: 'object_changed' });
  });

  it('says that an object was destroyed, and does not overwrite one that is there already', async () => {
    const asset = await stored({ count: 1 });
    await (await t.another().asset.first(asset.id))?.destroy();
    asset.count = 2;
    await assert.rejects(asset.save({ ifUnchanged: true }), {
      code: 'object_destroyed',
      message: new RegExp(asset.id),
    });
    const fresh = t.DB.asset.create({ count: 1 });
    t.faults.push({ when: 'after', code: 'database_unreachable' });
    await assert.rejects(fresh.save(), { code: 'database_unreachable' });
    await t.another().asset.increment(fresh.id, { count: 5 });
    await assert.rejects(fresh.save({ ifUnchanged: true }), { code: 'object_changed' });
    assert.equal(await count(fresh.id), 6);
  });

  it('works for objects however they were read', async () => {
    const building = t.DB.building.create({ name: 'hall' });
    await building.save();
    for (let number = 0; number < 3; number += 1) await stored({ count: number, building });
    const trees = (await t.DB.building.where('id = ?', building.id).include('assets').toArray()).concat(
      await t.DB.building.where('id = ?', building.id).toArray(),
    );
    const [tree, plain] = trees;
    assert.ok(tree !== undefined && plain !== undefined);
    const assets = await tree.assets.orderBy('count').toArray();
    const [first, second, third] = assets;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    await t.another().asset.increment(second.id, { count: 10 });
    for (const asset of assets) asset.count = 100;
    await first.save({ ifUnchanged: true });
    await assert.rejects(second.save({ ifUnchanged: true }), { code: 'object_changed' });
    const home = await (await t.DB.asset.where('id = ?', third.id).include('building').first())?.building();
    assert.ok(home !== null && home !== undefined);
    plain.name = home.name = 'new';
    await plain.save({ ifUnchanged: true });
    await assert.rejects(home.save({ ifUnchanged: true }), { code: 'object_changed' });
    for await (const each of t.DB.asset.where('id = ?', third.id)) await each.save({ ifUnchanged: true });
    await assert.rejects(third.save({ ifUnchanged: true }), { code: 'object_changed' });
  });

  it('refuses options that it does not know', async () => {
    const asset = await stored();
    await assert.rejects(asset.save({ ifUnchangd: true } as object), {
      code: 'unknown_option',
      message: /Did you mean ifUnchanged/,
    });
    await assert.rejects(asset.save({ ifUnchanged: 'yes' } as object), { code: 'invalid_value' });
    for (const options of [null, true, []])
      await assert.rejects(asset.save(options as object), {
        code: 'invalid_value',
        message: /asset.save takes options/,
      });
    assert.throws(() => new t.DB.Batch().save(asset, { unchanged: true } as object), {
      code: 'unknown_option',
      message: /It takes ifUnchanged|Did you mean ifUnchanged/,
    });
  });
});

describe('a batch', () => {
  it('increments by object and by id, in the order of the calls, and tells the new values', async () => {
    const [asset, other, { id }] = [t.DB.asset.create({ count: 1 }), await stored({ price: 1 }), await stored()];
    const batch = new t.DB.Batch();
    batch.increment(t.DB.asset, id, { count: 1 });
    batch.save(asset);
    batch.increment(asset, { count: 5 });
    batch.increment(other, { price: 0.5, count: 1 });
    for (let time = 0; time < 3; time += 1) batch.increment(t.DB.asset, id, { count: 1 });
    batch.destroy(other);
    const { incremented } = await batch.execute();
    assert.deepEqual(incremented, [
      { count: 1 },
      { count: 6 },
      { price: 1.5, count: 1 },
      { count: 2 },
      { count: 3 },
      { count: 4 },
    ]);
    assert.deepEqual([await count(asset.id), await count(id), await count(other.id)], [6, 4, undefined]);
    asset.count = 2;
    await assert.rejects(asset.save({ ifUnchanged: true }), { code: 'object_changed' });
  });

  it('does nothing when one of its objects was saved elsewhere, or is not there to be incremented', async () => {
    const [kept, changed] = [await stored({ count: 1 }), await stored({ count: 1 })];
    await t.another().asset.increment(changed.id, { count: 1 });
    const batch = new t.DB.Batch();
    kept.count = changed.count = 9;
    batch.save(kept);
    batch.save(changed);
    batch.save(changed, { ifUnchanged: true });
    batch.increment(t.DB.asset, kept.id, { price: 1 });
    for (let again = 0; again < 2; again += 1)
      await assert.rejects(batch.execute(), { code: 'object_changed', message: new RegExp(changed.id) });
    assert.deepEqual([await count(kept.id), await count(changed.id)], [1, 2]);
    await changed.reload();
    await batch.execute();
    assert.deepEqual([await count(kept.id), await count(changed.id)], [9, 2]);
    batch.save(kept);
    batch.increment(t.DB.asset, randomUUID(), { count: 1 });
    kept.count = 10;
    await assert.rejects(batch.execute(), { code: 'object_not_found' });
    assert.equal(await count(kept.id), 9);
  });

  it('refuses at the call what cannot be meant', async () => {
    const asset = await stored();
    const batch = new t.DB.Batch();
    assert.throws(() => batch.increment(asset, { make: 1 }), { code: 'invalid_value' });
    assert.throws(() => batch.increment(t.DB.asset, asset, { count: 1 }), {
      code: 'invalid_value',
      message: /Give its id/,
    });
    assert.throws(() => batch.increment(asset.id, { count: 1 }), { code: 'invalid_value' });
    batch.increment(asset, { count: 1 });
    assert.throws(() => batch.save(asset, { ifUnchanged: true }), {
      code: 'invalid_value',
      message: /Call save before increment/,
    });
  });
});

describe('whatever is done once', () => {
  it('is done once when the answer is lost and it is sent again, and is answered as it was then', async () => {
    const asset = await stored({ count: 2_147_483_646 });
    const batch = new t.DB.Batch();
    batch.increment(asset, { count: 1 });
    t.faults.push({ when: 'after', code: 'database_unreachable' });
    await assert.rejects(batch.execute(), { code: 'database_unreachable' });
    // A second time it would be too large.
    assert.deepEqual(await batch.execute(), { scheduled: [], incremented: [{ count: 2_147_483_647 }] });
    await asset.reload();
    asset.count = 1;
    batch.save(asset, { ifUnchanged: true });
    t.faults.push({ when: 'after', code: 'database_unreachable' });
    await assert.rejects(batch.execute(), { code: 'database_unreachable' });
    await batch.execute();
    asset.count = 2;
    await asset.save({ ifUnchanged: true });
    for (const number of [1, 2])
      batch.save(Object.assign(number === 1 ? asset : await stored(), { count: 3 }), { ifUnchanged: true });
    batch.increment(await stored({ count: 1 }), { count: 1 });
    t.faults.push({ when: 'after', code: 'database_unreachable' });
    await assert.rejects(batch.execute(), { code: 'database_unreachable' });
    assert.deepEqual((await batch.execute()).incremented, [{ count: 2 }]);
    asset.count = 4;
    await asset.save({ ifUnchanged: true });
    assert.equal(await count(asset.id), 4);
  });

  it('is refused for an attempt that was taken over', async () => {
    const asset = await stored({ count: 1 });
    await t.data.finish(t.data.run, 'returned');
    await assert.rejects(t.DB.asset.increment(asset.id, { count: 1 }), { code: 'attempt_superseded' });
    asset.count = 5;
    await assert.rejects(asset.save({ ifUnchanged: true }), { code: 'attempt_superseded' });
    assert.deepEqual((await rowsOf(t.data, 'asset')).find((row) => row['id'] === asset.id)?.['count'], 1);
  });
});
