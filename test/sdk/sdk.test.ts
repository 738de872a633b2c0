import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as sdk from '../../src/sdk/index.ts';

describe('the cloudcode module outside of a task', () => {
  it('says clearly that CloudCode belongs into a task', () => {
    const message =
      'CloudCode can be used inside a task only. From elsewhere, schedule a run with `cloudcode schedule` or the HTTP API.';
    assert.throws(() => sdk.CloudCode.scheduleTask({ task: 'a' }), { message });
    assert.throws(() => sdk.CloudCode.run, { message });
  });

  it('forwards to the global once there is one', (t) => {
    const run = { id: '7' };
    Reflect.set(globalThis, 'CloudCode', { run });
    t.after(() => Reflect.deleteProperty(globalThis, 'CloudCode'));
    assert.equal(sdk.CloudCode.run, run);
  });

  it('says clearly that DB belongs into a task, and forwards to the global once there is one', (t) => {
    assert.throws(() => 'asset' in sdk.DB, {
      message: 'DB can be used inside a task only. From elsewhere, query the PostgreSQL database of the environment.',
    });
    Reflect.set(globalThis, 'DB', { asset: 7 });
    t.after(() => Reflect.deleteProperty(globalThis, 'DB'));
    assert.equal(Reflect.get(sdk.DB, 'asset'), 7);
  });

  it('has days and attachments anywhere', async () => {
    assert.equal(new sdk.Day(2026, 2, 28).addDays(1).toString(), '2026-03-01');
    assert.equal(await new sdk.Attachment({ data: 'text' }).text(), 'text');
  });

  it('gives a data model back as it is', () => {
    const models = { asset: { fields: { make: { type: 'text' } } } } as const;
    assert.equal(sdk.defineDataModel(models), models);
  });

  it('gives a configuration back as it is', () => {
    const config = { concurrency: 2 };
    assert.equal(sdk.defineConfig(config), config);
  });
});
