import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { listRuns } from '../../src/engine/operations/list-runs.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import type { Store } from '../../src/engine/store/open-store.ts';
import { openStage, processesOf } from '../support/stage.ts';
import { until } from '../support/runtime.ts';

const tasks = {
  busy: `export async function run() { console.log('spinning'); await new Promise((resolve) => setTimeout(resolve, 400)); for (;;) {} }`,
  stubborn: `import { spawn } from 'node:child_process';
    export async function run() {
      process.on('SIGTERM', () => {});
      spawn('setsid', ['sleep', '300'], { detached: true, stdio: 'ignore' });
      console.log('spawned');
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    }`,
  quick: `export async function run({ n }: { n: number }) { await new Promise((resolve) => setTimeout(resolve, 20)); return n; }`,
};

async function runnerOf(store: Store, runId: string): Promise<string> {
  const [row] = await store.query<{ id: string }>({
    name: '',
    text: `select runner_id as id from cloudcode.runs where id = '${runId}'`,
  });
  assert.ok(row !== undefined);
  return row.id;
}

async function hasPrinted(store: Store, runId: string, message: string): Promise<true | null> {
  const rows = await store.query({
    name: '',
    text: `select 1 as found from cloudcode.log_lines where run_id = '${runId}' and message = '${message}'`,
  });
  return rows.length > 0 ? true : null;
}

test('promise 5: within a second of a SIGKILL of the runner none of its workers lives, busy loop or not', async () => {
  await using stage = await openStage(tasks);
  const runner = await stage.start();
  const runs = await Promise.all([
    scheduleRun(stage.store, 'testing', { task: 'busy' }),
    scheduleRun(stage.store, 'testing', { task: 'stubborn' }),
  ]);
  for (const run of runs)
    await until(10_000, 'it printed', () =>
      hasPrinted(stage.store, run.id, run.task === 'busy' ? 'spinning' : 'spawned'),
    );
  const runnerId = await runnerOf(stage.store, runs[0].id);
  await until(2000, 'they spin', () => (processesOf(runnerId).length >= 3 ? true : null));
  await runner.kill('SIGKILL');
  await until(1000, 'all of them are gone', () => (processesOf(runnerId).length === 0 ? true : null));
});

test('promise 2: the runs of a killed runner are tried again by the next one, at once on the same machine', async () => {
  await using stage = await openStage(tasks);
  const first = await stage.start();
  const run = await scheduleRun(stage.store, 'testing', { task: 'busy', queue: 'q' });
  await until(10_000, 'it printed', () => hasPrinted(stage.store, run.id, 'spinning'));
  await first.kill('SIGKILL');
  await stage.start();
  const retried = await until(8000, 'the second attempt runs', async () => {
    const now = await getRun(stage.store, 'testing', run.id);
    return now.attempts.length === 2 ? now : null;
  });
  assert.deepEqual(
    retried.attempts.map((attempt) => attempt.outcome),
    ['lost', null],
  );
  assert.match(retried.attempts[0]?.error?.message ?? '', /stopped renewing its lease/);
});

test('promise 2 and 3: kill -9 of the runner over and over loses no run and retries no answered one', async () => {
  await using stage = await openStage(tasks);
  const total = 120;
  for (let n = 0; n < total; n += 1)
    await scheduleRun(stage.store, 'testing', {
      task: 'quick',
      parameters: { n },
      ...(n % 2 === 0 ? { queue: `q${n % 3}` } : {}),
    });
  const succeeded = async (): Promise<number> => {
    const [row] = await stage.store.query<{ count: number }>({
      name: '',
      text: "select count(*)::integer as count from cloudcode.runs where state = 'succeeded'",
    });
    return row?.count ?? 0;
  };
  for (let kills = 0; kills < 4; kills += 1) {
    const runner = await stage.start();
    const goal = Math.min(total, (await succeeded()) + 15);
    await until(20_000, 'some succeeded', async () => ((await succeeded()) >= goal ? true : null));
    await runner.kill('SIGKILL');
  }
  await stage.start();
  await until(40_000, 'all succeeded', async () => ((await succeeded()) === total ? true : null));
  const { runs } = await listRuns(stage.store, 'testing', { limit: 200 });
  assert.equal(runs.length, total);
  for (const run of runs) {
    assert.equal(run.result, (run.parameters as { n: number }).n);
    assert.equal(run.attempts.filter((attempt) => attempt.outcome === 'returned').length, 1);
    assert.equal(run.attempts.at(-1)?.outcome, 'returned', 'nothing after the answer');
  }
});
