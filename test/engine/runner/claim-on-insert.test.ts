import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Run } from '../../../src/engine/core/run.ts';
import { pauseQueue } from '../../../src/engine/operations/pause-queue.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { type Claimer, openClaimer } from '../../../src/engine/runner/claim-due.ts';
import type { ClaimedRun } from '../../../src/engine/store/claim-runs.ts';
import { startRuntime } from '../../support/runtime.ts';
import { testStore, type TestStore } from '../../support/store.ts';

interface Rooms {
  readonly claimer: Claimer;
  readonly claimed: ClaimedRun[];
  readonly rings: () => number;
  /** The most that were held at a time. */
  readonly most: () => number;
  /** Schedules in the process of the runner. */
  readonly schedule: (options?: Readonly<Record<string, unknown>>) => Promise<Run>;
}

/** A runner with so many rooms, which gives none back but by `claimed`. */
function openRooms({ store, runnerId }: TestStore, count: number): Rooms {
  const claimed: ClaimedRun[] = [];
  let most = 0;
  let rings = 0;
  const onClaimed = (run: ClaimedRun): void => {
    claimed.push(run);
    most = Math.max(most, claimed.length);
  };
  const claimer = openClaimer({
    store,
    runnerId,
    free: () => count - claimed.length,
    onClaimed,
    onFree: () => undefined,
    onWrong: (wrong) => assert.fail(JSON.stringify(wrong)),
  });
  store.onNotify(() => (rings += 1));
  return {
    claimer,
    claimed,
    rings: () => rings,
    most: () => most,
    schedule: (options = {}) => scheduleRun(store, 'testing', { task: 'noop', ...options }, claimer),
  };
}

const idsOf = (runs: readonly { readonly id: string }[]): readonly string[] => runs.map(({ id }) => id);

for (const options of [{}, { queue: 'q' }, { key: 'k' }]) {
  test(`a run that is scheduled where there is room is claimed in the same transaction, and nobody is woken: ${JSON.stringify(options)}`, async () => {
    await using t = await testStore();
    const { claimed, rings, schedule } = openRooms(t, 1);
    const { id } = await schedule(options);
    assert.deepEqual([idsOf(claimed), rings()], [[id], 0]);
    const [row] = await t.store.query<{ same: boolean; waitedMs: number }>({
      name: '',
      text: `select created_at = started_at as same, extract(epoch from started_at - created_at)::integer as "waitedMs" from cloudcode.runs where id = $1`,
      values: [id],
    });
    assert.deepEqual(row, { same: true, waitedMs: 0 });
  });
}

test('what cannot be claimed yet is only scheduled, and rung for', async () => {
  await using t = await testStore();
  const { claimed, rings, schedule } = openRooms(t, 5);
  await pauseQueue(t.store, 'testing', 'paused');
  for (const options of [{ after: 60_000 }, { at: new Date(Date.now() + 60_000) }, { queue: 'paused' }])
    await schedule(options);
  assert.deepEqual([claimed.length, rings()], [0, 3]);
  const first = await schedule({ queue: 'q' });
  await schedule({ queue: 'q' });
  assert.deepEqual([idsOf(claimed), rings()], [[first.id], 4], 'one run of a queue at a time');
});

test('without room, or when the runner stops, it is only scheduled', async () => {
  await using t = await testStore();
  const { claimer, claimed, rings, schedule } = openRooms(t, 1);
  for (let count = 0; count < 2; count += 1) await schedule();
  assert.deepEqual([claimed.length, rings()], [1, 1]);
  claimed.length = 0;
  await claimer.close();
  await schedule();
  assert.deepEqual([claimed.length, rings()], [0, 2]);
});

test('closing waits for the claims under way', { timeout: 60_000 }, async () => {
  await using t = await testStore();
  const { claimer, claimed, schedule } = openRooms(t, 1);
  const scheduling = schedule();
  while (claimer.idleEpoch() !== null) await nextTurn();
  await claimer.close();
  assert.equal(claimed.length, 1);
  await scheduling;
});

test('a run that is due longer goes first, and the one that was scheduled is rung for', async () => {
  await using t = await testStore();
  const older = await scheduleRun(t.store, 'testing', { task: 'noop' });
  const { claimed, rings, schedule } = openRooms(t, 1);
  await schedule();
  assert.deepEqual([idsOf(claimed), rings()], [[older.id], 1]);
});

test(
  'while somebody holds the lock of a queue, what is scheduled in it keeps no room from the others, and is scheduled when it is free',
  { timeout: 60_000 },
  async () => {
    await using t = await testStore();
    const { claimer, claimed, schedule } = openRooms(t, 2);
    let scheduling: Promise<unknown> = Promise.resolve();
    await t.store.transaction(async (db) => {
      await db.query({ name: '', text: `select cloudcode.lock_queue(${t.environmentId}, 'q')` });
      scheduling = Promise.all([1, 2, 3].map(() => schedule({ queue: 'q' })));
      while (claimer.free() > 0) await nextTurn();
      while (claimer.free() < 2) await nextTurn();
      await schedule({ task: 'other' });
      assert.deepEqual(
        claimed.map(({ task }) => task),
        ['other'],
      );
    });
    await scheduling;
    const [row] = await t.store.query<{ count: number }>({
      name: '',
      text: "select count(*)::integer as count from cloudcode.runs where queue = 'q'",
    });
    assert.equal(row?.count, 3);
  },
);

test('a task that is not there is refused, and what else was claimed is not forgotten', async () => {
  await using t = await testStore();
  const older = await scheduleRun(t.store, 'testing', { task: 'noop' });
  const { claimed, schedule } = openRooms(t, 1);
  await assert.rejects(schedule({ task: 'nop' }), {
    code: 'unknown_task',
    hint: 'Did you mean `noop`?',
  });
  assert.deepEqual(idsOf(claimed), [older.id]);
});

test(
  'never more are held than there are rooms, however many are scheduled while the runner claims as well',
  { timeout: 60_000 },
  async () => {
    await using t = await testStore();
    const { claimer, claimed, most, schedule } = openRooms(t, 3);
    const done: string[] = [];
    const scheduled = Promise.all(Array.from({ length: 60 }, () => schedule()));
    while (done.length < 60) {
      const room = claimer.free();
      if (room > 0) await claimer.claim(room);
      done.push(...idsOf(claimed.splice(0, 2)));
      await nextTurn();
    }
    assert.deepEqual([...done].sort(), [...idsOf(await scheduled)].sort(), 'each once');
    assert.ok(most() <= 3, `${most()} were held`);
  },
);

test(
  'what a task schedules is claimed in the transaction that adds it, where its runner has a free slot',
  { timeout: 60_000 },
  async () => {
    const files = {
      parent: "export const run = () => CloudCode.scheduleTask({ task: 'child' });",
      child: 'export function run() {}',
    };
    await using runtime = await startRuntime(files, { concurrency: 2 });
    let isSame = false;
    // While the runner itself looks for runs, which is seldom, it has no slot for another claim.
    for (let tries = 0; tries < 5 && !isSame; tries += 1) {
      const { id } = (await runtime.run('parent')).result as { readonly id: string };
      await runtime.ended(id);
      const [row] = await runtime.store.query<{ isSame: boolean }>({
        name: '',
        text: 'select started_at = created_at as "isSame" from cloudcode.runs where id = $1',
        values: [id],
      });
      isSame = row?.isSame === true;
    }
    assert.ok(isSame);
  },
);
