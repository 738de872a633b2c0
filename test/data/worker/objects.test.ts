import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Day } from '../../../src/data/model/day.ts';
import type { DataCall } from '../../../src/data/protocol/data-calls.ts';
import { openDb, rowsOf, type TestDb } from './open-db.ts';
import { saved } from './saved-asset.ts';

function lastWrite({ calls }: TestDb): unknown {
  const call = calls.findLast((each: DataCall) => each.kind === 'write');
  return call?.kind === 'write'
    ? call.operations.map((operation) => ({
        do: operation.do,
        columns: 'columns' in operation ? operation.columns : [],
      }))
    : null;
}
const writes = ({ calls }: TestDb): number => calls.filter(({ kind }) => kind === 'write').length;

describe('an object of the data model', () => {
  it('keeps values of every type, and reads them back as they were', async () => {
    await using t = await openDb();
    const values = {
      make: 'Zoë 🐘 %_\n',
      count: -5,
      price: 1.1e-7,
      bought: new Day(2024, 2, 29),
      seen_at: new Date('0099-01-02T03:04:05.678Z'),
      active: false,
      condition: 'bad',
      tags: ['red', 'blue'],
      grade: 30,
      days: [1, 3],
      place: {
        latitude: -33.92,
        longitude: 18.42,
        altitude: 0,
        horizontal_accuracy: 1.5,
        vertical_accuracy: null,
        timestamp: new Date(1),
      },
    };
    const made = t.DB.asset.create(values);
    for (const object of [made, await stored()]) {
      for (const [name, value] of Object.entries(values)) assert.deepEqual(Reflect.get(object, name), value, name);
      assert.equal(object.manual, null);
      assert.deepEqual(
        object.toJSON(),
        JSON.parse(JSON.stringify({ id: made.id, ...values, manual: null, building_id: null, spare_id: null })),
      );
    }
    async function stored(): Promise<typeof made> {
      await made.save();
      const found = await t.DB.asset.first(made.id);
      assert.ok(found !== null);
      return found;
    }
  });

  it('has its id at once and is stored by save alone, also with no field at all', async () => {
    await using t = await openDb();
    const asset = t.DB.asset.create();
    const marker = t.DB.marker.create();
    assert.match(asset.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(await t.DB.asset.first(asset.id), null);
    await Promise.all([asset.save(), marker.save()]);
    assert.equal((await t.DB.asset.first(asset.id))?.id, asset.id);
    assert.equal((await t.DB.marker.first())?.id, marker.id);
    await marker.save();
    await marker.reload();
    await marker.destroy();
    assert.equal(await t.DB.marker.all().count(), 0);
  });

  it('writes what was changed and nothing else, and nothing when nothing was', async () => {
    await using t = await openDb();
    const { id } = await saved(t, {
      make: 'a',
      count: 1,
      tags: ['red'],
      seen_at: new Date(0),
      place: { latitude: 1, longitude: 2 },
    });
    const asset = await t.DB.asset.first(id);
    assert.ok(asset !== null);
    const before = writes(t);
    Object.assign(asset, {
      make: 'b',
      count: 1,
      tags: ['red'],
      seen_at: new Date(0),
      bought: null,
      place: { latitude: 1, longitude: 2, altitude: null },
    });
    asset.make = 'a';
    await asset.save();
    assert.equal(writes(t), before);
    asset.count = 2;
    asset.building_id = id;
    await asset.save();
    assert.deepEqual(lastWrite(t), [{ do: 'update', columns: ['count', 'building_id'] }]);
    await asset.save();
    assert.equal(writes(t), before + 1);
  });

  it('two tasks that change different fields do not undo each other', async () => {
    await using t = await openDb();
    const { id } = await saved(t, { make: 'a', count: 1 });
    const [one, other] = await Promise.all([t.DB.asset.first(id), t.another().asset.first(id)]);
    assert.ok(one !== null && other !== null);
    one.make = 'b';
    other.count = 2;
    await Promise.all([one.save(), other.save()]);
    await one.reload();
    assert.deepEqual([one.make, one.count], ['b', 2]);
  });

  it('loses no change that is made while a save is under way', async () => {
    await using t = await openDb();
    const asset = t.DB.asset.create({ make: 'a', count: 1 });
    const saving = asset.save();
    asset.make = 'b';
    asset.count = 1;
    await saving;
    assert.deepEqual(
      (await rowsOf(t.data, 'asset')).map(({ make }) => make),
      ['a'],
    );
    await asset.save();
    assert.deepEqual(lastWrite(t), [{ do: 'update', columns: ['make'] }]);
    const changing = [1, 2, 3, 4, 5].map((count) => {
      asset.count = count;
      return asset.save();
    });
    asset.make = 'a';
    await Promise.all(changing);
    await asset.save();
    assert.deepEqual(
      (await rowsOf(t.data, 'asset')).map(({ make, count }) => [make, count]),
      [['a', 5]],
    );
  });

  it('set back to what it was while a save is under way, is saved so', async () => {
    await using t = await openDb();
    const asset = await saved(t, { make: 'a' });
    asset.make = 'b';
    const saving = asset.save();
    asset.make = 'a';
    await saving;
    await asset.save();
    assert.deepEqual(
      (await rowsOf(t.data, 'asset')).map(({ make }) => make),
      ['a'],
    );
  });

  it('stays changed when its save fails, and can be saved again', async () => {
    await using t = await openDb();
    const asset = t.DB.asset.create({ make: 'a' });
    t.faults.push({ when: 'before', code: 'database_unreachable' }, { when: 'after', code: 'database_unreachable' });
    await assert.rejects(asset.save(), { code: 'database_unreachable' });
    await assert.rejects(asset.save(), { code: 'database_unreachable' });
    await asset.save();
    asset.make = 'b';
    t.faults.push({ when: 'before', code: 'database_unreachable' });
    await assert.rejects(asset.save(), { code: 'database_unreachable' });
    await asset.save();
    assert.deepEqual(
      (await rowsOf(t.data, 'asset')).map(({ make }) => make),
      ['b'],
    );
  });
});

describe('a destroyed object', () => {
  it('cannot be saved or reloaded, wherever it was destroyed', async () => {
    await using t = await openDb();
    const here = await saved(t, { make: 'a' });
    const elsewhere = await saved(t, { make: 'a' });
    const twin = await t.another().asset.first(elsewhere.id);
    await twin?.destroy();
    await here.destroy();
    for (const object of [here, elsewhere]) {
      object.make = 'b';
      await assert.rejects(object.save(), { code: 'object_destroyed', message: new RegExp(`asset ${object.id}`) });
      await assert.rejects(object.reload(), { code: 'object_destroyed', message: new RegExp(`asset ${object.id}`) });
    }
    await assert.rejects(elsewhere.destroy(), { code: 'object_destroyed' });
    await here.destroy();
    assert.deepEqual(await rowsOf(t.data, 'asset'), []);
  });

  it('that was never stored is gone without a call, and one whose insert was lost is looked for', async () => {
    await using t = await openDb();
    const fresh = t.DB.asset.create();
    await fresh.destroy();
    assert.equal(t.calls.length, 0);
    await assert.rejects(fresh.save(), { code: 'object_destroyed' });
    for (const when of ['before', 'after'] as const) {
      const uncertain = t.DB.asset.create();
      t.faults.push({ when, code: 'database_unreachable' });
      await assert.rejects(uncertain.save());
      await uncertain.destroy();
    }
    const asset = await saved(t, {});
    t.faults.push({ when: 'after', code: 'database_unreachable' });
    await assert.rejects(asset.destroy(), { code: 'database_unreachable' });
    await asset.destroy();
    assert.deepEqual(await rowsOf(t.data, 'asset'), []);
  });
});

describe('reload', () => {
  it('reads again and drops what was changed', async () => {
    await using t = await openDb();
    const asset = await saved(t, { make: 'a', count: 1 });
    const twin = await t.another().asset.first(asset.id);
    Object.assign(twin ?? {}, { count: 7 });
    await twin?.save();
    asset.make = 'b';
    const reloading = asset.reload();
    asset.price = 3;
    await reloading;
    assert.deepEqual([asset.make, asset.count, asset.price], ['a', 7, 3]);
  });

  it('refuses an object that was never stored', async () => {
    await using t = await openDb();
    await assert.rejects(t.DB.asset.create().reload(), { code: 'invalid_query', message: /not stored yet/ });
  });
});
