import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { endExpiredLease, endLease, readOtherLeases, renewLease } from '../../../src/engine/store/runners.ts';
import { testStore, type TestStore } from '../../support/store.ts';

const another = '00000000-0000-4000-8000-000000000000';

async function seen(t: TestStore) {
  const [lease] = await readOtherLeases(t.store, another);
  assert.ok(lease !== undefined);
  return lease;
}

const expire = (t: TestStore): Promise<unknown> =>
  t.store.query({ name: '', text: "update cloudcode.runners set lease_expires_at = now() - interval '1 day'" });

// The instants between two statements, which no campaign hits for certain.
describe('promise 1: a lease', () => {
  it("that was renewed since it was seen is not ended, although it has expired by the database's clock", async () => {
    await using t = await testStore();
    await expire(t);
    const before = await seen(t);
    assert.equal(before.isExpired, true);
    assert.equal(await renewLease(t.store, t.runnerId), true);
    await expire(t);
    assert.equal(await endExpiredLease(t.store, before), false);
    assert.equal(await endExpiredLease(t.store, await seen(t)), true);
  });

  it('that has not expired is not ended by another', async () => {
    await using t = await testStore();
    assert.equal(await endExpiredLease(t.store, await seen(t)), false);
  });

  it('that has ended is renewed no more, and nothing is claimed with it', async () => {
    await using t = await testStore();
    await scheduleRun(t.store, 'testing', { task: 'noop' });
    await endLease(t.store, t.runnerId);
    assert.equal(await renewLease(t.store, t.runnerId), false);
    assert.deepEqual(await t.claim(), []);
  });
});
