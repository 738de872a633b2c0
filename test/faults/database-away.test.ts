import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { isFinal, type Run } from '../../src/engine/core/run.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { databaseServer } from '../../src/engine/store/database-url.ts';
import { cpuTimeMs } from '../support/cpu-time.ts';
import { insertRun } from '../../src/engine/store/insert-run.ts';
import { until } from '../support/runtime.ts';
import { openStage, type Stage } from '../support/stage.ts';
import { openSwitchedAddress } from '../support/switched-address.ts';

/** Each says that it begins, waits until the database is away, asks for something, and tells how long that took. */
const tasks = {
  'schema.xml': '<data-model><model name="piece"><field name="state" type="text"/></model></data-model>',
  asks: `
    const calls: Record<string, () => Promise<unknown>> = {
      schedule: () => CloudCode.scheduleTask({ task: 'nothing' }),
      schedule_many: () => CloudCode.scheduleTasks([{ task: 'nothing' }, { task: 'nothing' }]),
      save: () => DB.piece.create({ state: 'saved' }).save(),
      count: () => DB.piece.all().count(),
    };
    export async function run({ call, waitMs }: { call: string; waitMs: number }) {
      console.log('ready');
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      const began = performance.now();
      const told = await calls[call]!().then(() => 'done', (error) => error.code);
      return { told, tookMs: performance.now() - began };
    }`,
  nothing: 'export async function run() {}',
};

const calls = ['schedule', 'schedule_many', 'save', 'count'];
/** So long a task may wait for a database that is away: docs/operating.md. */
const patienceMs = 30_000;
const leaseMs = 120_000;

interface Told {
  readonly told: string;
  readonly tookMs: number;
}

// Beside one another: all they do is wait.
describe('a database that is away, or stands still', { concurrency: true }, () => {
  for (const { awayMs, expected } of [
    { awayMs: 5_000, expected: 'done' },
    { awayMs: 36_000, expected: 'database_unreachable' },
  ]) {
    test(
      `a database that is away for ${awayMs / 1000} s: what a task asks for is ${expected === 'done' ? 'done when it is back' : 'refused clearly after 30 s'}, and its runner does not spin`,
      { timeout: 120_000 },
      async (t) => {
        await using stage = await openStage(tasks);
        const { connect, throughPort } = databaseServer(stage.url);
        await using address = await openSwitchedAddress(connect);
        const runner = await stage.start({ leaseMs, url: throughPort(address.port) });
        const runs = await Promise.all(
          calls.map((call) =>
            scheduleRun(stage.store, 'testing', { task: 'asks', parameters: { call, waitMs: 2500 } }),
          ),
        );
        for (const run of runs) await until(20_000, 'it is ready', () => hasPrinted(stage, run.id));
        address.pointTo(null);
        const [before, since] = [cpuTimeMs(runner.pid), performance.now()];
        await delay(awayMs);
        const share = (cpuTimeMs(runner.pid) - before) / (performance.now() - since);
        address.pointTo(connect);
        t.diagnostic(
          `the database away for ${awayMs} ms: the runner used ${(share * 100).toFixed(1)} % of a processor`,
        );
        assert.ok(share < 0.3, `it spins: ${share} of a processor`);
        for (const { id } of runs) {
          const run = await ended(stage, id);
          const { told, tookMs } = run.result as Told;
          assert.deepEqual([told, run.attempts.length], [expected, 1]);
          if (expected !== 'done')
            assert.ok(tookMs > patienceMs - 2000 && tookMs < patienceMs + 5000, `refused after ${tookMs} ms`);
        }
        const [row] = await stage.store.query<{ runs: number; pieces: number }>({
          name: '',
          text: "select (select count(*) from cloudcode.runs where task = 'nothing')::integer as runs, (select count(*) from cloudcode_testing.piece)::integer as pieces",
        });
        assert.deepEqual(row, expected === 'done' ? { runs: 3, pieces: 1 } : { runs: 0, pieces: 0 });
      },
    );
  }

  test(
    'a table that is locked for longer than the statement_timeout of the database: a task that schedules waits, and its run succeeds',
    { timeout: 90_000 },
    async () => {
      await using stage = await openStage(tasks);
      await stage.store.query({
        name: '',
        text: `alter database ${new pg.Client(stage.url).database ?? ''} set statement_timeout = '1s'`,
      });
      await stage.start();
      const { id } = await scheduleRun(stage.store, 'testing', {
        task: 'asks',
        parameters: { call: 'schedule', waitMs: 1000 },
      });
      await until(20_000, 'it is ready', () => hasPrinted(stage, id));
      await stage.store.transaction(async (db) => {
        await db.query({ name: '', text: 'lock table cloudcode.runs in access exclusive mode' });
        await db.query({ name: '', text: 'select pg_sleep(5)' });
      });
      const run = await ended(stage, id);
      assert.deepEqual([run.state, (run.result as Told).told], ['succeeded', 'done']);
    },
  );
});

for (const { leaseMs, withinMs } of [
  { leaseMs: 15_000, withinMs: 8000 },
  { leaseMs: 2000, withinMs: 4000 },
]) {
  test(
    `promise 2: a runner with a lease of ${leaseMs} ms that is told nothing any more finds due runs by itself`,
    { timeout: 60_000 },
    async (t) => {
      await using stage = await openStage(tasks);
      await stage.start({ leaseMs });
      await ended(stage, (await scheduleRun(stage.store, 'testing', { task: 'nothing' })).id);
      const began = performance.now();
      const id = randomUUID();
      // Only the statement: nobody rings.
      await insertRun(stage.store, 'testing', {
        id,
        task: 'nothing',
        parametersJson: '{}',
        queue: null,
        key: null,
        at: null,
        afterMs: null,
      });
      await ended(stage, id);
      t.diagnostic(`found after ${Math.round(performance.now() - began)} ms`);
      assert.ok(performance.now() - began < withinMs);
    },
  );
}

async function hasPrinted({ store }: Stage, runId: string): Promise<true | null> {
  const rows = await store.query({
    name: '',
    text: `select 1 as found from cloudcode.log_lines where run_id = '${runId}' and message = 'ready'`,
  });
  return rows.length > 0 ? true : null;
}

function ended({ store }: Stage, id: string): Promise<Run> {
  return until(30_000, `run ${id} is finished`, async () => {
    const now = await getRun(store, 'testing', id);
    return isFinal(now.state) ? now : null;
  });
}
