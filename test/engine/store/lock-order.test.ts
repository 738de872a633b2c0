import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import pg from 'pg';
import { cancelRun } from '../../../src/engine/operations/cancel-run.ts';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { finishAttempts } from '../../../src/engine/operations/finish-attempt.ts';
import { pauseQueue } from '../../../src/engine/operations/pause-queue.ts';
import { type CallingAttempt, scheduleRun, scheduleRunByAttempt } from '../../../src/engine/operations/schedule-run.ts';
import { writeData } from '../../support/write-data.ts';
import { dataTarget } from '../../../src/data/statements/target.ts';
import { parseScheduleRequest, type ScheduledRun } from '../../../src/engine/core/schedule-request.ts';
import { scheduleTogether } from '../../../src/engine/operations/schedule-together.ts';
import { openSession } from '../../../src/engine/store/open-session.ts';
import { openStore, type Store } from '../../../src/engine/store/open-store.ts';
import { until } from '../../support/runtime.ts';
import { endOf, noopTask, testStore, type TestStore } from '../../support/store.ts';

/** Two sessions that wait for each other stay so: the server does not end one of them by itself. */
async function stage(t: TestStore): Promise<Stage> {
  await t.store.query({
    name: '',
    text: `alter database ${new pg.Client(t.store.url).database ?? ''} set deadlock_timeout = '10min'`,
  });
  const [first, second] = [
    await openStore({ url: named(t.store.url, 'first') }),
    await openStore({ url: named(t.store.url, 'second') }),
  ];
  const holder = await openSession(named(t.store.url, 'holder'));
  return {
    first,
    second,
    hold: async (queue) => {
      await holder.query({ name: '', text: 'begin' });
      await holder.query({ name: '', text: 'select cloudcode.lock_queue($1, $2)', values: [t.environmentId, queue] });
    },
    async settle(one, other) {
      let open = 2;
      const all = Promise.allSettled(
        [one, other].map(async (start, index) => {
          if (index === 1)
            await until(20_000, 'the first waits for the holder, or is done', async () =>
              open < 2 || (await waiting(t.store)).some(({ name }) => name === 'first') ? true : null,
            );
          return start().finally(() => (open -= 1));
        }),
      );
      await until(20_000, 'each waits, or is done', async () =>
        (await waiting(t.store)).length === open ? true : null,
      );
      await holder.query({ name: '', text: 'rollback' });
      await until(20_000, 'both are done', async () => {
        const names = (await waiting(t.store)).filter(({ isMutual }) => isMutual).map(({ name }) => name);
        assert.deepEqual(names, [], 'they wait for each other');
        return open === 0 ? true : null;
      });
      return all;
    },
    async [Symbol.asyncDispose]() {
      await end(t.store);
      await Promise.all([first.close(), second.close()]);
      await holder[Symbol.asyncDispose]();
    },
  };
}

interface Stage extends AsyncDisposable {
  readonly first: Store;
  readonly second: Store;
  /** A third session takes the lock of a queue, until both others wait or are done. */
  hold(queue: string): Promise<void>;
  /** Starts the first, and the second when the first waits. Fails when they wait for each other. */
  settle(
    first: () => Promise<unknown>,
    second: () => Promise<unknown>,
  ): Promise<readonly PromiseSettledResult<unknown>[]>;
}

function named(url: string, name: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}application_name=${name}`;
}

/** The sessions of `first` and `second` that wait for a lock. */
function waiting(store: Store): Promise<readonly { readonly name: string; readonly isMutual: boolean }[]> {
  return store.query({
    name: '',
    text: `
      select a.application_name as name, exists (
        select from pg_stat_activity b where b.pid = any (pg_blocking_pids(a.pid)) and a.pid = any (pg_blocking_pids(b.pid))
      ) as "isMutual"
      from pg_stat_activity a where a.datname = current_database() and a.application_name in ('first', 'second') and cardinality(pg_blocking_pids(a.pid)) > 0`,
  });
}

async function end(store: Store): Promise<void> {
  await store.query({
    name: '',
    text: "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name in ('first', 'second')",
  });
}

async function running(t: TestStore, options: Record<string, unknown> = {}) {
  const { id } = await scheduleRun(t.store, 'testing', { task: 'noop', ...options });
  const run = (await t.claim()).find((each) => each.id === id);
  assert.ok(run !== undefined);
  const caller: CallingAttempt = { runId: id, fence: run.fence, environment: 'testing' };
  return { run, caller };
}

const wanted = (given: Partial<ScheduledRun>): ScheduledRun => ({
  id: randomUUID(),
  task: 'noop',
  parametersJson: '{}',
  at: null,
  afterMs: null,
  queue: null,
  key: null,
  ...given,
});

/** Two queues, that which is locked first first. */
async function queuesInOrder(session: Store, environmentId: number): Promise<readonly [string, string]> {
  const rows = await session.query<{ name: string }>({
    name: '',
    text: "select name from unnest(array['a', 'b']) as queue (name) order by hashtextextended(name, $1)",
    values: [environmentId],
  });
  return [rows[0]?.name ?? '', rows[1]?.name ?? ''];
}

const batch = (store: Store, caller: CallingAttempt, runs: readonly Partial<ScheduledRun>[]) => () =>
  writeData(
    store,
    { caller, target: dataTarget('testing', null) },
    { id: randomUUID(), parts: parts(runs.map(wanted)) },
  );

async function* parts(runs: readonly ScheduledRun[]) {
  for (const run of runs) yield [{ do: 'schedule', runs: [run] } as const];
}

const states = async (t: TestStore) =>
  t.store.query({
    name: '',
    text: 'select state, count(*)::integer as count from cloudcode.runs group by 1 order by 1',
  });

test(
  'a run that schedules into its own queue, and its cancel, do not wait for each other',
  { timeout: 60_000 },
  async () => {
    await using t = await testStore();
    await using on = await stage(t);
    const { run, caller } = await running(t, { queue: 'q' });
    await on.hold('q');
    const told = await on.settle(
      () => cancelRun(on.first, 'testing', run.id),
      () => scheduleRunByAttempt(on.second, caller, { run: wanted({ queue: 'q' }), mayBeClaimed: false }),
    );
    assert.deepEqual(
      told.map(({ status }) => status),
      ['fulfilled', 'fulfilled'],
    );
    assert.deepEqual(await states(t), [
      { state: 'queued', count: 1 },
      { state: 'running', count: 1 },
    ]);
  },
);

test(
  'a run that schedules into its own queue, and its end, do not wait for each other: what comes after the end is refused',
  { timeout: 60_000 },
  async () => {
    await using t = await testStore();
    await using on = await stage(t);
    const { run, caller } = await running(t, { queue: 'q' });
    await on.hold('q');
    const [ended, called] = await on.settle(
      () => finishAttempts(on.first, [endOf(run, 'returned')]),
      () => scheduleRunByAttempt(on.second, caller, { run: wanted({ queue: 'q' }), mayBeClaimed: false }),
    );
    assert.deepEqual(ended, { status: 'fulfilled', value: ['succeeded'] });
    assert.ok(called?.status === 'rejected');
    assert.match(String(called.reason), /taken over by another attempt/);
    assert.deepEqual(await states(t), [{ state: 'succeeded', count: 1 }]);
  },
);

test(
  'two batches that schedule into the same queues in opposite order do not wait for each other',
  { timeout: 60_000 },
  async () => {
    await using t = await testStore();
    await using on = await stage(t);
    const [{ caller: one }, { caller: other }] = [await running(t), await running(t)];
    const [a, b] = await queuesInOrder(t.store, t.environmentId);
    await on.hold(a);
    const told = await on.settle(
      batch(on.first, one, [{ queue: a }, { queue: b }]),
      batch(on.second, other, [{ queue: b }, { queue: a }]),
    );
    assert.deepEqual(
      told.map(({ status }) => status),
      ['fulfilled', 'fulfilled'],
    );
    assert.deepEqual(await states(t), [
      { state: 'queued', count: 4 },
      { state: 'running', count: 2 },
    ]);
  },
);

test(
  'two batches that schedule with the same keys in opposite order do not wait for each other',
  { timeout: 60_000 },
  async () => {
    await using t = await testStore();
    await using on = await stage(t);
    const [{ caller: one }, { caller: other }] = [await running(t), await running(t)];
    await on.hold('q');
    const told = await on.settle(
      batch(on.first, one, [{ key: 'b' }, { key: 'a', queue: 'q' }]),
      batch(on.second, other, [{ key: 'a' }, { key: 'b' }]),
    );
    assert.deepEqual(
      told.map(({ status }) => status),
      ['fulfilled', 'fulfilled'],
    );
    assert.deepEqual(await states(t), [
      { state: 'queued', count: 2 },
      { state: 'running', count: 2 },
    ]);
  },
);

test(
  'a deployment that changes the settings of queues, and ends or pauses of these queues, do not wait for each other',
  { timeout: 60_000 },
  async () => {
    await using t = await testStore();
    await using on = await stage(t);
    const [a, b] = await queuesInOrder(t.store, t.environmentId);
    const [{ run: ofA }, { run: ofB }] = [await running(t, { queue: a }), await running(t, { queue: b })];
    const deploy = (onRetry: 'skip' | 'wait') => () =>
      deployProject(on.second, 'testing', {
        folder: '/nowhere',
        tasks: [noopTask],
        config: { queues: { [b]: { onRetry }, [a]: { onRetry } } },
      });
    await on.hold(a);
    const ended = await on.settle(
      () => finishAttempts(on.first, [endOf(ofA, 'returned'), endOf(ofB, 'returned')]),
      deploy('skip'),
    );
    assert.deepEqual(
      ended.map(({ status }) => status),
      ['fulfilled', 'fulfilled'],
    );
    await on.hold(a);
    const paused = await on.settle(() => pauseQueue(on.first, 'testing', a), deploy('wait'));
    assert.deepEqual(
      paused.map(({ status }) => status),
      ['fulfilled', 'fulfilled'],
    );
  },
);

test(
  'a batch of more runs than one statement takes keeps their order, and each run in its queue',
  { timeout: 60_000 },
  async () => {
    await using t = await testStore();
    const { caller } = await running(t);
    const runs = Array.from({ length: 2500 }, (_, n) =>
      wanted({ queue: `q${n % 7}`, key: n % 500 === 0 ? `k${n}` : null }),
    );
    await batch(t.store, caller, runs)();
    const stored = await t.store.query<{ id: string }>({
      name: '',
      text: "select id from cloudcode.runs where state = 'queued' order by seq",
    });
    assert.deepEqual(
      stored.map(({ id }) => id),
      runs.map(({ id }) => id),
    );
  },
);

test(
  'batches in the same hundreds of queues, of which some runs come before others that wait, do not wait for each other',
  { timeout: 60_000 },
  async () => {
    await using t = await testStore();
    await using on = await stage(t);
    const [{ caller }, { caller: other }] = [await running(t), await running(t)];
    const queues = Array.from({ length: 150 }, (_, n) => `q${n}`);
    // What is due at once comes before it: the front moves back.
    for (const queue of queues.slice(0, 3))
      await scheduleRun(t.store, 'testing', { task: 'noop', queue, at: new Date(Date.now() + 3_600_000) });
    const requests = queues.map((queue) => parseScheduleRequest({ task: 'noop', queue }, new Date()));
    const together = (store: Store, asked: typeof requests) => () =>
      store.transaction((db) => scheduleTogether(db, 'testing', asked));
    await on.hold(lastLocked(await lockedInOrder(t.store, t.environmentId, queues)));
    const outside = await on.settle(together(on.first, requests), together(on.second, requests.toReversed()));
    assert.deepEqual(
      outside.map(({ status }) => status),
      ['fulfilled', 'fulfilled'],
    );
    const runs = queues.map((queue) => ({ queue, at: '2000-01-01T00:00:00.000Z' }));
    const keyed = { queue: 'q0', key: 'k' };
    await on.hold(lastLocked(await lockedInOrder(t.store, t.environmentId, queues)));
    const inside = await on.settle(
      batch(on.first, caller, [...runs, keyed, ...runs]),
      batch(on.second, other, [...runs, keyed, ...runs]),
    );
    assert.deepEqual(
      inside.map(({ status }) => status),
      ['fulfilled', 'fulfilled'],
    );
  },
);

const lastLocked = (names: readonly string[]): string => names.at(-1) ?? '';

async function lockedInOrder(
  store: Store,
  environmentId: number,
  names: readonly string[],
): Promise<readonly string[]> {
  const rows = await store.query<{ name: string }>({
    name: '',
    text: 'select name from unnest($2::text[]) as queue (name) order by hashtextextended(name, $1)',
    values: [environmentId, names],
  });
  return rows.map(({ name }) => name);
}
