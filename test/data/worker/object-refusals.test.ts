import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Day } from '../../../src/data/model/day.ts';
import { parametersToJson } from '../../../src/engine/core/parameters-json.ts';
import { openDb } from './open-db.ts';
import { saved } from './saved-asset.ts';

describe('what an object refuses', () => {
  it('a misspelt field, with the one that was meant; reading it gives undefined', async () => {
    await using t = await openDb();
    const asset = t.DB.asset.create();
    assert.throws(() => Object.assign(asset, { maek: 'a' }), {
      code: 'unknown_field',
      message: 'The model `asset` has no field `maek`. Did you mean `make`?',
    });
    assert.throws(() => t.DB.asset.create({ conditoin: 'good' }), {
      code: 'unknown_field',
      message: /Did you mean `condition`\?/,
    });
    assert.throws(() => Object.assign(asset, { wingspan: 1 }), {
      code: 'unknown_field',
      message: /There are make, count/,
    });
    assert.equal(Reflect.get(asset, 'maek'), undefined);
    assert.ok(!('maek' in asset) && 'make' in asset && asset instanceof Object);
    assert.equal(await Promise.resolve(asset), asset);
  });

  it('a wrong value, with model, field, value and fix in one message', async () => {
    await using t = await openDb();
    const asset = t.DB.asset.create({ condition: 'good' });
    assert.throws(() => Object.assign(asset, { condition: 'goood' }), {
      code: 'invalid_value',
      message: 'asset.condition: "goood" is no choice. Did you mean "good"?',
    });
    assert.throws(() => Object.assign(asset, { count: undefined }), {
      code: 'invalid_value',
      message: 'asset.count: undefined is no value. Assign null to empty the field.',
    });
    assert.throws(() => t.DB.asset.create({ count: 2 ** 31 }), {
      code: 'invalid_value',
      message: /asset\.count: 2147483648 is outside/,
    });
    assert.equal(asset.condition, 'good');
  });

  it('its id, its relationships and wrong attributes', async () => {
    await using t = await openDb();
    const asset = t.DB.asset.create();
    const building = t.DB.building.create();
    const unread = t.DB.building.first();
    const wrong: readonly (readonly [() => unknown, RegExp])[] = [
      [() => Object.assign(asset, { id: 'x' }), /asset\.id is made with the object and never changes/],
      [() => t.DB.asset.create({ id: 'x' }), /asset\.id is made with the object/],
      [() => Object.assign(asset, { building }), /object\.building\(other\)/],
      [() => Object.assign(building, { assets: [] }), /asset.*other side|other side/],
      [() => t.DB.building.create({ assets: [asset] }), /other side/],
      [() => t.DB.asset.create(null as never), /this is null/],
      [() => t.DB.asset.create([] as never), /this is an array/],
      [() => t.DB.asset.create(asset as never), /this is an object of `asset`/],
      [() => Object.assign(asset, { building_id: 'x' }), /asset\.building_id: "x" is no id/],
      [() => Object.assign(asset, { building_id: building }), /call object\.building\(it\)/],
      [() => Object.assign(asset, { building_id: undefined }), /undefined is no id/],
      [() => asset.building(asset as never), /this is an object of `asset`; it must be one of `building`/],
      [() => asset.building(building.id as never), /object\.building_id = id/],
      [() => asset.building(undefined as never), /undefined is no object of `building`/],
      [() => asset.building(unread as never), /Await it first/],
      [() => t.DB.asset.create({ building: {} }), /no object of `building`/],
    ];
    for (const [work, message] of wrong) assert.throws(work, { code: 'invalid_value', message });
    assert.throws(() => t.DB.asset.create({ save: 1 }), { code: 'unknown_field' });
    assert.throws(() => Object.assign(asset, { save: 1 }), TypeError);
    // A read that is under way must not outlive its store.
    await unread;
  });

  it('to be passed as a parameter', async () => {
    await using t = await openDb();
    const asset = t.DB.asset.create();
    assert.throws(() => parametersToJson({ deep: [asset] }), { code: 'invalid_parameters', message: /DB object/ });
  });
});

describe('what is read of an object', () => {
  it('cannot be changed behind its back', async () => {
    await using t = await openDb();
    const asset = t.DB.asset.create({ tags: ['red'], seen_at: new Date(0), place: { latitude: 1, longitude: 1 } });
    assert.throws(() => (asset.tags as string[]).push('blue'), TypeError);
    assert.throws(() => Object.assign(asset.place ?? {}, { latitude: 2 }), TypeError);
    asset.seen_at?.setTime(5);
    assert.deepEqual(asset.seen_at, new Date(0));
  });

  it('is copied by its JSON; what would give {} says so, and no other use meets that', async () => {
    await using t = await openDb();
    const asset = await saved(t, { make: 'a', tags: ['red'] });
    const [read] = await t.DB.asset.all().toArray();
    assert.ok(read !== undefined);
    const copies: readonly (() => unknown)[] = [
      () => ({ ...asset }),
      () => ({ ...read, make: 'b' }),
      () => structuredClone(read),
      () => structuredClone({ deep: [read] }),
      () => Object.assign({}, read),
      () => Object.entries(read),
    ];
    for (const copy of copies)
      assert.throws(copy, {
        code: 'invalid_value',
        message:
          'An object of `asset` is not copied as plain objects are, because its fields are not properties of its own. Write { ...object.toJSON() }.',
      });
    assert.deepEqual({ ...read.toJSON(), make: 'b' }, JSON.parse(JSON.stringify({ ...asset.toJSON(), make: 'b' })));
    assert.equal(JSON.stringify([read]), JSON.stringify([asset]));
    assert.match(inspect([read]), /make: 'a'/);
    assert.equal('make' in read && read.make, 'a');
  });

  it('is short when it is printed', async () => {
    await using t = await openDb();
    const asset = t.DB.asset.create({ make: 'a', bought: new Day(2026, 3, 1) });
    assert.equal(
      inspect(asset, { breakLength: Infinity }),
      `asset (new) { id: '${asset.id}', make: 'a', bought: Day 2026-03-01 }`,
    );
    await asset.save();
    assert.equal(
      inspect({ deep: { asset } }, { breakLength: Infinity }),
      `{ deep: { asset: asset { id: '${asset.id}', make: 'a', bought: Day 2026-03-01 } } }`,
    );
    asset.make = 'b';
    assert.match(inspect(asset), /^asset \(changed\) /);
    await asset.destroy();
    assert.match(inspect(asset), /^asset \(destroyed\) /);
  });
});
