import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect, isDeepStrictEqual } from 'node:util';
import type { DataModel } from '../../../src/data/model/data-model.ts';
import { createDb } from '../../../src/data/worker/create-db.ts';
import { newId } from '../../../src/engine/protocol/new-id.ts';
import { makeModel } from '../statements/open-data.ts';
import { assetModel } from './asset-model.ts';

/** Nothing here may reach the runner. */
function unconnected(model: DataModel | null): object {
  return createDb(model, { call: () => Promise.reject(new Error('asked the runner')), tracked: (promise) => promise });
}

describe('DB', () => {
  it('refuses a misspelt model where it is named, and leaves alone what JavaScript asks of any object', async () => {
    const DB = unconnected(assetModel);
    assert.throws(() => Reflect.get(DB, 'asst'), {
      code: 'unknown_model',
      message: 'The data model has no model `asst`. Did you mean DB.asset?',
    });
    assert.throws(() => Reflect.get(DB, 'vehicle'), {
      code: 'unknown_model',
      message: /It has asset, building, owner, marker\./,
    });
    assert.throws(() => Reflect.set(DB, 'vehicle', 1), { code: 'unknown_model', message: /cannot be set/ });
    assert.equal(await Promise.resolve(DB), DB);
    assert.equal(inspect(DB), 'DB (asset, building, owner, marker)');
    assert.equal(inspect({ DB }), '{ DB: DB (asset, building, owner, marker) }');
    assert.deepEqual(Object.keys(DB), ['asset', 'building', 'owner', 'marker']);
    assert.equal(Reflect.get(DB, 'toString'), Object.prototype.toString);
    assert.ok(isDeepStrictEqual(DB, DB) && !('asst' in DB) && 'asset' in DB);
    assert.equal(Reflect.get(DB, 'asset'), Reflect.get(DB, 'asset'));
    assert.match(inspect(Reflect.get(DB, 'asset')), /^DB\.asset \(make, count/);
  });

  it('without a data model has batches, and says where to write one', async () => {
    const DB = unconnected(null);
    assert.throws(() => Reflect.get(DB, 'asset'), {
      code: 'unknown_model',
      message: /no data model\. Write one in schema\.xml/,
    });
    assert.equal(inspect(DB), 'DB (no models)');
    const Batch = Reflect.get(DB, 'Batch') as new () => { execute(): Promise<unknown> };
    assert.deepEqual(await new Batch().execute(), { scheduled: [], incremented: [] });
    assert.throws(() => Reflect.get(unconnected({ models: [] }), 'asset'), {
      code: 'unknown_model',
      message: /It has none/,
    });
  });

  it('is made in no time, however many models there are', () => {
    const models = Array.from({ length: 500 }, (_, number) =>
      makeModel(`m${number}`, assetModel.models[0]?.fields ?? []),
    );
    const began = performance.now();
    const DB = unconnected({ models });
    assert.ok(performance.now() - began < 50);
    assert.match(inspect(Reflect.get(DB, 'm499')), /make/);
  });
});

describe('ids', () => {
  it('are UUIDs of version 7, each of them new, and sort as they were made', () => {
    const ids = Array.from({ length: 100_000 }, newId);
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)));
    assert.ok(ids.every((id, index) => index === 0 || String(ids[index - 1]) < id));
    assert.ok(Math.abs(Number.parseInt(String(ids[0]).replaceAll('-', '').slice(0, 12), 16) - Date.now()) < 60_000);
  });
});
