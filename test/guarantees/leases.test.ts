import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'node:test';
import { isFinal, type Run } from '../../src/engine/core/run.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { isAlive, readStat } from '../../src/engine/runner/containment/proc-files.ts';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { guardOf, leaseOf, openStage, type Stage } from '../support/stage.ts';
import { until } from '../support/runtime.ts';

const leaseMs = 2000;

/**
 * Each attempt listens on a name that only one living process can have: the kernel gives it free when that process is gone, whatever any row says.
 * The first attempt then never ends, and never gives its event loop free.
 */
const tasks = {
  alone: `
    import { appendFileSync } from 'node:fs';
    import { createServer } from 'node:net';
    export const config = { maxAttempts: 3 };
    export async function run({ name, notes, spins }: { name: string; notes: string; spins: boolean }) {
      const note = (what: string) => appendFileSync(notes, what + ' ' + CloudCode.run.attempt + ' ' + process.pid + '\\n');
      await new Promise<void>((resolve) => {
        createServer().once('error', () => (note('overlap'), resolve())).listen('\\0' + name, () => resolve());
      });
      note('started');
      if (spins && CloudCode.run.attempt === 1) for (;;) {}
      await new Promise((resolve) => setTimeout(resolve, spins ? 0 : 4000));
      return CloudCode.run.attempt;
    }`,
  quick: `export async function run() { return process.ppid; }`,
};

interface Alone {
  readonly run: Run;
  notes(): readonly string[];
  /** The pid of an attempt's process, once it has started. */
  started(attempt: number): Promise<number>;
  ended(): Promise<Run>;
}

async function scheduleAlone(stage: Stage, options: { readonly spins?: boolean } = {}): Promise<Alone> {
  const file = join(stage.folder, 'notes');
  const name = `cloudcode-test-${randomUUID()}`;
  const run = await scheduleRun(stage.store, 'testing', {
    task: 'alone',
    queue: 'one',
    parameters: { name, notes: file, spins: options.spins ?? true },
  });
  const notes = (): readonly string[] => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);
  return {
    run,
    notes,
    started: (attempt) =>
      until(30_000, `attempt ${attempt} has started`, () => {
        const line = notes().find((each) => each.startsWith(`started ${attempt} `));
        return line === undefined ? null : Number(line.split(' ')[2]);
      }),
    ended: () =>
      until(30_000, 'the run is finished', async () => {
        const now = await getRun(stage.store, 'testing', run.id);
        return isFinal(now.state) ? now : null;
      }),
  };
}

const gone = (pid: number): Promise<true> =>
  until(15_000, `process ${pid} is gone`, () => (isAlive(readStat(pid)) ? null : true));

function assertTakenOver(run: Run, { notes }: Alone): void {
  assert.deepEqual(
    run.attempts.map((attempt) => attempt.outcome),
    ['lost', 'returned'],
  );
  assert.deepEqual(
    notes().map((line) => line.split(' ')[0]),
    ['started', 'started'],
    'no overlap',
  );
}

test('promise 1: a runner that is stopped for twice its lease has its busy worker ended by its guard, before anybody takes over; then it works again', async () => {
  await using stage = await openStage(tasks);
  const stopped = await stage.start({ leaseMs });
  const alone = await scheduleAlone(stage);
  const pid = await alone.started(1);
  process.kill(stopped.pid, 'SIGSTOP');
  // Nobody is there but the guard.
  await gone(pid);
  const other = await stage.start({ leaseMs });
  assertTakenOver(await alone.ended(), alone);
  await until(
    30_000,
    'twice its lease has passed',
    async () => (await leaseOf(stage, stopped.id)).overdueMs > leaseMs || null,
  );
  process.kill(stopped.pid, 'SIGCONT');
  await other.kill('SIGTERM');
  const next = await scheduleRun(stage.store, 'testing', { task: 'quick' });
  const answered = await until(30_000, 'the runner that was stopped works again', async () => {
    const now = await getRun(stage.store, 'testing', next.id);
    return now.state === 'succeeded' ? now : null;
  });
  assert.equal(answered.result, stopped.pid);
});

test('promise 1: a runner that is stopped together with its guard has its worker ended by the runner beside it', async () => {
  await using stage = await openStage(tasks);
  const stopped = await stage.start({ leaseMs });
  const alone = await scheduleAlone(stage);
  await alone.started(1);
  const guard = guardOf(stopped.id);
  assert.ok(guard !== null);
  process.kill(stopped.pid, 'SIGSTOP');
  process.kill(guard, 'SIGSTOP');
  await stage.start({ leaseMs });
  assertTakenOver(await alone.ended(), alone);
});

test('promise 1: a guard that is stopped is replaced, and the new one holds the deadline', async () => {
  await using stage = await openStage(tasks);
  const runner = await stage.start({ leaseMs });
  const alone = await scheduleAlone(stage);
  const pid = await alone.started(1);
  const first = guardOf(runner.id);
  assert.ok(first !== null);
  process.kill(first, 'SIGSTOP');
  await until(15_000, 'another guard', () => {
    const now = guardOf(runner.id);
    return now === null || now === first ? null : now;
  });
  // The deadline that follows from a renewal is told before the next one begins.
  const { renewals } = await leaseOf(stage, runner.id);
  await until(
    30_000,
    'it has a deadline to hold',
    async () => (await leaseOf(stage, runner.id)).renewals >= renewals + 2 || null,
  );
  assert.ok(isAlive(readStat(pid)), 'the worker goes on meanwhile');
  process.kill(runner.pid, 'SIGSTOP');
  await gone(pid);
});

// A forked worker ends with its runner: then nothing is left.
test(
  'promise 1: what a runner and its guard leave when both are killed is ended before the run is tried again',
  { skip: process.env['CLOUDCODE_WORKER_START'] === 'fork' },
  async () => {
    await using stage = await openStage(tasks);
    // A cgroup would be emptied by whoever uses it next.
    const runner = await stage.start({ leaseMs, containment: 'scan' });
    const alone = await scheduleAlone(stage);
    const pid = await alone.started(1);
    const guard = guardOf(runner.id);
    assert.ok(guard !== null);
    process.kill(guard, 'SIGSTOP');
    await runner.kill('SIGKILL');
    process.kill(guard, 'SIGKILL');
    assert.ok(isAlive(readStat(pid)), 'it spins on');
    await stage.start({ leaseMs });
    assertTakenOver(await alone.ended(), alone);
  },
);

test("promise 1: a jump of the database's clock ends no lease of a runner that lives", async () => {
  await using stage = await openStage(tasks);
  await stage.start({ leaseMs });
  const alone = await scheduleAlone(stage, { spins: false });
  await alone.started(1);
  await stage.start({ leaseMs });
  // As if the clock went forward by a day, again and again.
  const ended = alone.ended();
  let isOver = false;
  void ended.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  while (!isOver) {
    await stage.store.query({
      name: '',
      text: "update cloudcode.runners set lease_expires_at = now() - interval '1 day'",
    });
    await delay(20);
  }
  const run = await ended;
  assert.deepEqual([run.result, run.attempts.length], [1, 1]);
});

test('promise 2: the runs of a runner that died on another machine are tried again when its lease has expired, and not before', async () => {
  await using stage = await openStage(tasks);
  const far = await stage.start({ leaseMs });
  const alone = await scheduleAlone(stage);
  await alone.started(1);
  await stage.start({ leaseMs });
  // Its process cannot be looked for: only its silence tells.
  await stage.store.query({
    name: '',
    text: `update cloudcode.runners set process_identity = 'another machine' where id = '${far.id}'`,
  });
  await far.kill('SIGKILL');
  const run = await alone.ended();
  assertTakenOver(run, alone);
  const [lease] = await stage.store.query<{ isEarly: boolean }>({
    name: '',
    text: `select lease_ended_at < lease_expires_at as "isEarly" from cloudcode.runners where id = '${far.id}'`,
  });
  assert.equal(lease?.isEarly, false);
});

test('promise 1: a runner that nothing from the database reaches any more ends its worker before another takes over; then it works again', async () => {
  await using stage = await openStage(tasks);
  await using proxy = await startCuttingProxy(stage.url);
  const cutOff = await stage.start({ leaseMs, url: proxy.url });
  const alone = await scheduleAlone(stage);
  const pid = await alone.started(1);
  proxy.silence(true);
  await gone(pid);
  const other = await stage.start({ leaseMs });
  assertTakenOver(await alone.ended(), alone);
  await other.kill('SIGTERM');
  proxy.silence(false);
  const next = await scheduleRun(stage.store, 'testing', { task: 'quick' });
  const answered = await until(45_000, 'the runner that was cut off works again', async () => {
    const now = await getRun(stage.store, 'testing', next.id);
    return now.state === 'succeeded' ? now : null;
  });
  assert.equal(answered.result, cutOff.pid);
});
