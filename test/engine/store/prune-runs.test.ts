import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pruneRuns } from '../../../src/engine/operations/prune-runs.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { retryFinalRun } from '../../../src/engine/store/change-runs.ts';
import { openSession } from '../../../src/engine/store/open-session.ts';
import { setRetention } from '../../../src/engine/store/prune-runs.ts';
import { alterRuns, endOf, testStore, type TestStore } from '../../support/store.ts';
import { finishAttempts } from '../../../src/engine/operations/finish-attempt.ts';

const never = new AbortController().signal;

async function finished(t: TestStore, count: number, outcome: 'returned' | 'threw'): Promise<void> {
  for (let number = 0; number < count; number += 1) await scheduleRun(t.store, 'testing', { task: 'noop' });
  const line = { number: 1, at: new Date().toISOString(), level: 'log' as const, message: 'a line' };
  await finishAttempts(
    t.store,
    (await t.claim(count)).map((run) => ({ ...endOf(run, outcome), lines: [line] })),
  );
}

async function rows(t: TestStore, table: string): Promise<number> {
  const [row] = await t.store.query<{ count: number }>({
    name: '',
    text: `select count(*)::integer as count from cloudcode.${table}`,
  });
  return row?.count ?? 0;
}

async function age(t: TestStore, where: string): Promise<void> {
  await alterRuns(t.store, `update cloudcode.runs set finished_at = now() - interval '31 days' where ${where}`);
}

test('finished runs are pruned after their time, with their attempts and lines; those that are unfinished, or dead, never', async () => {
  await using t = await testStore();
  await finished(t, 20, 'returned');
  await finished(t, 5, 'threw');
  assert.equal(await pruneRuns(t.store, never), 0, 'nothing is old yet');
  await age(t, "state = 'succeeded'");
  await alterRuns(t.store, 'update cloudcode.runs set attempt_limit = 1');
  const waiting = await scheduleRun(t.store, 'testing', { task: 'noop' });
  await alterRuns(t.store, `update cloudcode.runs set attempt_limit = 1 where id = '${waiting.id}'`);
  const [dying] = await t.claim(1);
  assert.ok(dying !== undefined);
  assert.equal(await t.finish({ ...dying, attemptLimit: 1 }, 'killed'), 'dead');
  await age(t, "state = 'dead'");
  const old = await scheduleRun(t.store, 'testing', { task: 'noop' });
  await alterRuns(t.store, `update cloudcode.runs set created_at = now() - interval '1 year' where id = '${old.id}'`);
  assert.equal(await pruneRuns(t.store, never), 20);
  assert.deepEqual([await rows(t, 'runs'), await rows(t, 'attempts'), await rows(t, 'log_lines')], [7, 6, 5]);
});

test('of finished runs no more are kept than the environment says: the newest', async () => {
  await using t = await testStore();
  await finished(t, 30, 'returned');
  await alterRuns(t.store, "update cloudcode.runs set finished_at = now() - seq * interval '1 second'");
  await setRetention(t.store, t.environmentId, { days: 30, runs: 10 });
  assert.equal(await pruneRuns(t.store, never), 20);
  const [row] = await t.store.query<{ last: number }>({
    name: '',
    text: 'select max(seq)::integer as last from cloudcode.runs',
  });
  assert.equal(row?.last, 10);
  await setRetention(t.store, t.environmentId, { days: 30, runs: 0 });
  assert.equal(await pruneRuns(t.store, never), 10);
});

test('many are pruned in slices, by several runners at once', async () => {
  await using t = await testStore();
  for (let round = 0; round < 13; round += 1) await finished(t, 100, 'returned');
  await age(t, 'true');
  const counts = await Promise.all([pruneRuns(t.store, never), pruneRuns(t.store, never)]);
  assert.equal(
    counts.reduce((sum, count) => sum + count),
    1300,
  );
  assert.equal(await rows(t, 'runs'), 0);
});

/** From now on a statement that deletes more rows of a table than this fails, as by the time that it takes. */
async function letDelete(t: TestStore, table: string, most: number): Promise<void> {
  await t.store.query({
    name: '',
    text: `
      create function cloudcode.refuse_many_${table}() returns trigger language plpgsql as $$
      begin
        if (select count(*) from gone) > ${most} then raise exception 'too many rows' using errcode = 'query_canceled'; end if;
        return null;
      end $$;
      create trigger refuse_many after delete on cloudcode.${table} referencing old table as gone for each statement execute function cloudcode.refuse_many_${table}()`,
  });
}

test('a database that lets no statement delete many rows gets rid of all of them, also of the thousands of lines of one run', async () => {
  await using t = await testStore();
  await finished(t, 40, 'returned');
  await t.store.query({
    name: '',
    text: `
      insert into cloudcode.log_lines (run_id, seq, attempt, at, level, message)
        select r.id, i, 1, now(), 'log', 'a line' from (select id from cloudcode.runs order by seq limit 3) r cross join generate_series(1, 10000) i;
      insert into cloudcode.past_attempts (run_id, number, fence, runner_id, started_at, finished_at, outcome)
        select id, n, n, gen_random_uuid(), now(), now(), 'lost' from cloudcode.runs cross join generate_series(1, 3) n;
      insert into cloudcode.batches (id, run_id, answer) select gen_random_uuid(), id, '{}' from cloudcode.runs cross join generate_series(1, 100)`,
  });
  await alterRuns(t.store, "update cloudcode.runs set finished_at = now() - interval '31 days'");
  for (const [table, most] of [
    ['runs', 7],
    ['log_lines', 900],
    ['past_attempts', 7],
    ['batches', 50],
  ] as const)
    await letDelete(t, table, most);
  assert.equal(await pruneRuns(t.store, never), 40);
  for (const table of ['runs', 'past_attempts', 'log_lines', 'batches', 'pruned_runs'])
    assert.equal(await rows(t, table), 0, table);
});

test('the calls that a runner noted, and died, are deleted when their attempt has ended; those of an attempt under way are not', async () => {
  await using t = await testStore();
  for (let number = 0; number < 3; number += 1) await scheduleRun(t.store, 'testing', { task: 'noop' });
  const [lost, over, running] = await t.claim(3);
  assert.ok(lost !== undefined && over !== undefined && running !== undefined);
  await t.store.query({
    name: '',
    text: "insert into cloudcode.batches (id, run_id, answer) select gen_random_uuid(), id, '{}' from cloudcode.runs cross join generate_series(1, 500)",
  });
  await t.finish(lost, 'lost');
  await t.finish(over, 'returned');
  await pruneRuns(t.store, never);
  const left = await t.store.query<{ run: string; count: number }>({
    name: '',
    text: 'select run_id as run, count(*)::integer as count from cloudcode.batches group by run_id',
  });
  assert.deepEqual(left, [{ run: running.id, count: 500 }]);
});

test('what remains of runs that were deleted is deleted by the next who prunes', async () => {
  await using t = await testStore();
  await finished(t, 5, 'returned');
  await age(t, 'true');
  await letDelete(t, 'log_lines', 0);
  await assert.rejects(pruneRuns(t.store, never), { code: 'database_unreachable' });
  assert.deepEqual([await rows(t, 'runs'), await rows(t, 'log_lines')], [0, 5]);
  await t.store.query({ name: '', text: 'drop trigger refuse_many on cloudcode.log_lines' });
  assert.equal(await pruneRuns(t.store, never), 0);
  assert.deepEqual([await rows(t, 'log_lines'), await rows(t, 'attempts'), await rows(t, 'pruned_runs')], [0, 0, 0]);
});

test('a run that somebody retries in this moment is not deleted, and loses no line', async () => {
  await using t = await testStore();
  await finished(t, 3, 'threw');
  await age(t, 'true');
  await using session = await openSession(t.store.url);
  await session.query({ name: '', text: 'set idle_in_transaction_session_timeout = 0; begin' });
  const [retried] = await session.query<{ id: string }>({
    name: '',
    text: 'select id from cloudcode.runs order by seq limit 1',
  });
  assert.ok(retried !== undefined && (await retryFinalRun(session, retried.id)));
  assert.equal(await pruneRuns(t.store, never), 2);
  await session.query({ name: '', text: 'commit' });
  assert.equal(await pruneRuns(t.store, never), 0);
  assert.deepEqual([await rows(t, 'runs'), await rows(t, 'attempts'), await rows(t, 'log_lines')], [1, 1, 1]);
  assert.equal((await t.claim())[0]?.id, retried.id);
});

test('a dead run that is tried again leaves nothing of its end', async () => {
  await using t = await testStore();
  const { id } = await scheduleRun(t.store, 'testing', { task: 'noop' });
  await alterRuns(t.store, 'update cloudcode.runs set attempt_limit = 1');
  for (const run of await t.claim()) assert.equal(await t.finish(run, 'exited'), 'dead');
  assert.equal(await rows(t, 'endings'), 1);
  assert.equal(await retryFinalRun(t.store, id), true);
  assert.equal(await rows(t, 'endings'), 0);
});
