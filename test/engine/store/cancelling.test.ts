import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomes } from '../../../src/engine/core/run.ts';
import { cancelRun } from '../../../src/engine/operations/cancel-run.ts';
import { getRun } from '../../../src/engine/operations/get-run.ts';
import { retryRun } from '../../../src/engine/operations/retry-run.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import type { ClaimedRun } from '../../../src/engine/store/claim-runs.ts';
import { testStore, type TestStore } from '../../support/store.ts';

async function claimOne(t: TestStore): Promise<ClaimedRun> {
  const { id } = await scheduleRun(t.store, 'testing', { task: 'noop' });
  const run = (await t.claim()).find((claimed) => claimed.id === id);
  assert.ok(run !== undefined);
  return run;
}

for (const outcome of outcomes.filter((each) => each !== 'returned' && each !== 'threw')) {
  test(`a run that somebody cancelled is not tried again, though its runner has not heard of it: ${outcome}`, async () => {
    await using t = await testStore();
    const run = await claimOne(t);
    assert.equal((await cancelRun(t.store, 'testing', run.id)).state, 'running');
    assert.equal(await t.finish(run, outcome), 'cancelled');
    const { state, retryAt, attempts } = await getRun(t.store, 'testing', run.id);
    assert.deepEqual([state, retryAt, attempts.map((attempt) => attempt.outcome)], ['cancelled', null, [outcome]]);
    assert.equal(await t.finish(run, outcome), 'superseded');
    await retryRun(t.store, 'testing', run.id);
    const [again] = await t.claim();
    assert.ok(again !== undefined);
    assert.equal(await t.finish(again, 'killed'), 'scheduled', 'what was cancelled once is not cancelled for ever');
  });
}

test('promise 3: an answer is final, also one that came while somebody cancelled the run', async () => {
  await using t = await testStore();
  for (const [outcome, state] of [
    ['returned', 'succeeded'],
    ['threw', 'failed'],
  ] as const) {
    const run = await claimOne(t);
    await cancelRun(t.store, 'testing', run.id);
    assert.equal(await t.finish(run, outcome), state);
  }
});

/** Makes every statement with `text` wait in the middle, after it has seen the store as it is, until `between` is done. */
async function holdUp(t: TestStore, text: string, between: () => Promise<unknown>): Promise<() => Promise<void>> {
  await t.store.query({
    name: '',
    text: `
    create function hold_up() returns trigger language plpgsql as $$
    begin
      if current_query() like '%${text}%' then
        perform pg_advisory_lock_shared(4711);
        perform pg_advisory_unlock_shared(4711);
      end if;
      return null;
    end $$;
    create trigger hold_up before update on cloudcode.runs for each statement execute function hold_up()`,
  });
  const isHeld = Promise.withResolvers<null>();
  const passing = t.store.transaction(async (db) => {
    await db.query({ name: '', text: 'select pg_advisory_xact_lock(4711)' });
    isHeld.resolve(null);
    for (const end = performance.now() + 20_000; performance.now() < end;) {
      const [row] = await t.store.query<{ count: number }>({
        name: '',
        text: "select count(*)::integer as count from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database()) and objid = 4711",
      });
      if ((row?.count ?? 0) > 0) return between();
    }
    throw new Error('no statement was held up');
  });
  await isHeld.promise;
  return async () => {
    await passing;
  };
}

test('a run is cancelled, though its attempt ends without an answer in that very moment', async () => {
  await using t = await testStore();
  const run = await claimOne(t);
  const passing = await holdUp(t, 'set cancel_requested_at = coalesce', () => t.finish(run, 'killed'));
  const [cancelled] = await Promise.all([cancelRun(t.store, 'testing', run.id), passing()]);
  assert.equal(cancelled.state, 'cancelled');
});
