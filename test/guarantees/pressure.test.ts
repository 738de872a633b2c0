import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isFinal, type Run } from '../../src/engine/core/run.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { until } from '../support/runtime.ts';
import { openStage, processesOf, type Stage } from '../support/stage.ts';

/** What forks doubles its processes eleven times: more than it may have, and no more than a machine bears if nobody ends it. */
const tasks = {
  crashes: `export const config = { maxAttempts: 2 }; export async function run() { process.kill(process.pid, 'SIGKILL'); await new Promise(() => {}); }`,
  fills: `
    export const config = { maxAttempts: 1, memoryMb: 200 };
    export async function run() {
      const kept: Buffer[] = [];
      for (let n = 0; n < 200; n += 1) {
        kept.push(Buffer.alloc(10 << 20, 1));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }`,
  forks: `
    import { spawn } from 'node:child_process';
    export const config = { maxAttempts: 1, memoryMb: 200 };
    export async function run() {
      spawn('sh', ['-c', 'f() { [ $1 -gt 0 ] && { f $(($1 - 1)) & f $(($1 - 1)) & }; sleep 60; }; f 10'], { detached: true, stdio: 'ignore' });
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    }`,
  works: `
    import { appendFileSync } from 'node:fs';
    export async function run({ n = 0, ms = 150 }: { n?: number; ms?: number }) {
      appendFileSync('notes', 'start\\n');
      console.log('started');
      await new Promise((resolve) => setTimeout(resolve, ms));
      appendFileSync('notes', 'end\\n');
      return n;
    }`,
};

const schedule = ({ store }: Stage, task: string, options: Record<string, unknown> = {}): Promise<Run> =>
  scheduleRun(store, 'testing', { task, ...options });

function ended({ store }: Stage, { id }: Run): Promise<Run> {
  return until(90_000, `run ${id} is finished`, async () => {
    const now = await getRun(store, 'testing', id);
    return isFinal(now.state) ? now : null;
  });
}

const outcomesOf = (run: Run): readonly unknown[] => run.attempts.map(({ outcome }) => outcome);

test(
  'promise 4: a task that always crashes ends as dead, and then its queue goes on',
  { timeout: 60_000 },
  async () => {
    await using stage = await openStage(tasks);
    await stage.start();
    const poison = await schedule(stage, 'crashes', { queue: 'q' });
    const next = await schedule(stage, 'works', { queue: 'q', parameters: { n: 7 } });
    const dead = await ended(stage, poison);
    assert.deepEqual([dead.state, outcomesOf(dead)], ['dead', ['killed', 'killed']]);
    const after = await ended(stage, next);
    assert.deepEqual([after.result, outcomesOf(after)], [7, ['returned']]);
    assert.ok((after.startedAt ?? '') >= (dead.finishedAt ?? ''), 'not before it');
  },
);

for (const containment of ['whatever the machine allows', 'scan'] as const) {
  test(
    `a task that fills the memory and one that forks without end harm no other (containment: ${containment})`,
    { timeout: 180_000 },
    async (t) => {
      await using stage = await openStage(tasks);
      const runner = await stage.start({ concurrency: 4, ...(containment === 'scan' ? { containment } : {}) });
      const began = performance.now();
      const harmful = await Promise.all([schedule(stage, 'fills'), schedule(stage, 'forks')]);
      const others = await Promise.all(
        Array.from({ length: 12 }, (_, n) => schedule(stage, 'works', { parameters: { n } })),
      );
      for (const [n, other] of others.entries()) {
        const run = await ended(stage, other);
        assert.deepEqual([run.result, outcomesOf(run)], [n, ['returned']]);
      }
      for (const each of harmful) {
        const run = await ended(stage, each);
        assert.deepEqual([run.task, run.state, outcomesOf(run)], [each.task, 'dead', ['out_of_memory']]);
        t.diagnostic(
          `${run.task}: ${run.error?.message ?? ''} Ended after ${Math.round(performance.now() - began)} ms.`,
        );
      }
      // At most twice the concurrency. Where workers are forked there is a fork server for each of the two sizes of tasks as well.
      const waiting = process.env['CLOUDCODE_WORKER_START'] === 'fork' ? 10 : 8;
      await until(15_000, 'only waiting workers are left', () =>
        processesOf(runner.id).length <= waiting ? true : null,
      );
    },
  );
}

test('a runner takes no more runs than it has room for, and all of that', { timeout: 60_000 }, async () => {
  await using stage = await openStage(tasks);
  const runs = await Promise.all(
    Array.from({ length: 12 }, () => schedule(stage, 'works', { parameters: { ms: 400 } })),
  );
  await stage.start({ concurrency: 3 });
  for (const run of runs) await ended(stage, run);
  let atOnce = 0;
  let most = 0;
  for (const line of readFileSync(join(stage.folder, 'notes'), 'utf8').trim().split('\n')) {
    atOnce += line === 'start' ? 1 : -1;
    most = Math.max(most, atOnce);
  }
  assert.equal(most, 3);
});

test(
  'SIGTERM: a runner claims nothing more, finishes what ends in time, and gives back the rest without counting the attempt',
  { timeout: 60_000 },
  async () => {
    await using stage = await openStage(tasks);
    const runner = await stage.start({ concurrency: 2 });
    const short = await schedule(stage, 'works', { parameters: { n: 1, ms: 1500 } });
    const long = await schedule(stage, 'works', { parameters: { n: 2, ms: 600_000 } });
    const now = (run: Run): Promise<Run> => getRun(stage.store, 'testing', run.id);
    for (const run of [short, long])
      await until(20_000, 'it runs', async () => ((await now(run)).state === 'running' ? true : null));
    const waits = await schedule(stage, 'works');
    await runner.kill('SIGTERM');
    assert.deepEqual(outcomesOf(await now(short)), ['returned']);
    const back = await now(long);
    assert.deepEqual([back.state, outcomesOf(back)], ['queued', ['cancelled']]);
    assert.deepEqual(outcomesOf(await now(waits)), []);
    const [row] = await stage.store.query<{ left: number }>({
      name: '',
      text: `select attempt_limit - attempt_count as left from cloudcode.runs where id = '${long.id}'`,
    });
    assert.equal(row?.left, back.maxAttempts, 'as many as before');
  },
);
