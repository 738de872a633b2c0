import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { listRuns } from '../../src/engine/operations/list-runs.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { startRuntime, until } from '../support/runtime.ts';

const total = 1000;
const queues = 20;

/**
 * What one attempt does: it looks whether any process that an earlier attempt of its queue noted still lives, notes itself and what it starts, and then ends in one
 * of the ways there are, decided by the run's number and the attempt's, so that every campaign is the same.
 */
const taskWith = (timeoutMs: number): string => `
  import { spawn } from 'node:child_process';
  import { appendFileSync, existsSync, readFileSync } from 'node:fs';

  export const config = { timeoutMs: ${timeoutMs}, maxAttempts: 3 };

  function startOf(pid: number | string): string | null {
    try {
      const fields = readFileSync('/proc/' + pid + '/stat', 'latin1').split(') ').at(-1)!.split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' ? null : fields[19]!;
    } catch { return null; }
  }

  export async function run({ n, folder }: { n: number; folder: string }) {
    const { attempt, queue } = CloudCode.run;
    const notes = folder + '/' + queue;
    const note = (pid: number) => appendFileSync(notes, pid + ' ' + startOf(pid) + ' ' + n + ' ' + attempt + '\\n');
    if (existsSync(notes)) {
      for (const line of readFileSync(notes, 'utf8').trim().split('\\n')) {
        const [pid, start, other] = line.split(' ');
        if (startOf(pid!) === start) appendFileSync(folder + '/overlaps', queue + ': ' + n + '/' + attempt + ' while ' + other + ' lived\\n');
      }
    }
    note(process.pid);
    appendFileSync(folder + '/order-' + queue, n + ' ' + attempt + '\\n');
    const kind = (n + Math.floor(n / 20)) % 40;
    const way = attempt === 1 ? kind : 0;
    if (n % 7 === 0) {
      const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
      child.unref();
      note(child.pid!);
    }
    if (way === 11) process.exit(n % 3);
    if (way === 12) process.kill(process.pid, 'SIGKILL');
    if (way === 13) for (;;) {}
    if (way === 14) setTimeout(() => { throw new Error('uncaught'); }, 0), await new Promise(() => setInterval(() => {}, 1000));
    if (way === 15) await new Promise(() => {});
    if (kind === 16) process.abort();
    if (way === 17) throw new Error('answer ' + n);
    if (way === 18) void Promise.reject(new Error('unhandled'));
    if (way === 19) { process.on('SIGTERM', () => {}); await new Promise((resolve) => setTimeout(resolve, 60_000)); }
    await new Promise((resolve) => setTimeout(resolve, n % 5));
    return n;
  }`;

test('promise 1: 1,000 runs over 20 queues with crashes, exits, timeouts and throws: no overlap, no disorder, no loss, no retry of an answer', async () => {
  // Only what is to run out of time has little of it: a busy machine may hold up the others.
  await using runtime = await startRuntime({ work: taskWith(60_000), hangs: taskWith(1_500) }, { concurrency: 8 });
  const folder = join(runtime.folder, 'notes');
  mkdirSync(folder);
  await Promise.all(
    Array.from({ length: queues }, async (_, queue) => {
      for (let n = queue; n < total; n += queues)
        await scheduleRun(runtime.store, 'testing', {
          task: expectedFirst[kindOf(n)] === 'timed_out' ? 'hangs' : 'work',
          parameters: { n, folder },
          queue: `queue ${queue}`,
        });
    }),
  );
  await until(240_000, 'all runs are finished', async () => {
    const [row] = await runtime.store.query<{ open: number }>({
      name: '',
      text: "select count(*)::integer as open from cloudcode.runs where state in ('queued', 'running')",
    });
    return row?.open === 0 ? true : null;
  });
  const runs = await allRuns(runtime.store);
  assert.equal(runs.length, total, 'none is lost');
  assert.deepEqual(
    readdirSync(folder)
      .filter((name) => name === 'overlaps')
      .map((name) => readFileSync(join(folder, name), 'utf8')),
    [],
    'no overlap',
  );
  for (const run of runs) checkRun(run);
  for (let queue = 0; queue < queues; queue += 1) {
    const order = readFileSync(join(folder, `order-queue ${queue}`), 'utf8')
      .trim()
      .split('\n')
      .map((line) => Number(line.split(' ')[0]));
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      `queue ${queue} ran in the order of scheduling, retries in their place`,
    );
  }
});

async function allRuns(store: Parameters<typeof listRuns>[0]): Promise<Run[]> {
  const runs: Run[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await listRuns(store, 'testing', { limit: 200, cursor });
    runs.push(...page.runs);
    if (page.nextCursor === null) return runs;
    cursor = page.nextCursor;
  }
}

const expectedFirst: Readonly<Record<number, string>> = {
  11: 'exited',
  12: 'killed',
  13: 'timed_out',
  14: 'exited',
  15: 'exited',
  16: 'killed',
  17: 'threw',
  18: 'exited',
  19: 'timed_out',
};

const kindOf = (n: number): number => (n + Math.floor(n / queues)) % 40;

function checkRun(run: Run): void {
  const { n } = run.parameters as { n: number };
  const outcomes = run.attempts.map((attempt) => attempt.outcome);
  const kind = kindOf(n);
  const first = expectedFirst[kind] ?? 'returned';
  assert.equal(outcomes[0], first, `run ${n}: ${JSON.stringify(run.attempts)}`);
  switch (first) {
    case 'returned':
    case 'threw':
      assert.equal(outcomes.length, 1, `run ${n}: an answer is never retried`);
      assert.equal(run.state, first === 'threw' ? 'failed' : 'succeeded');
      break;
    default:
      if (kind === 16) {
        assert.deepEqual([run.state, outcomes.length], ['dead', 3]);
      } else {
        assert.deepEqual(
          [run.state, outcomes[1], outcomes.length],
          ['succeeded', 'returned', 2],
          `run ${n}: ${JSON.stringify(run.attempts)}`,
        );
      }
  }
  if (run.state === 'succeeded') assert.equal(run.result, n);
  const fences = run.attempts.map((attempt) => BigInt(attempt.fence));
  assert.ok(
    fences.every((fence, index) => index === 0 || fence > (fences[index - 1] ?? 0n)),
    'fences grow',
  );
}

const sleeps = `export async function run({ ms }: { ms: number }) { await new Promise((resolve) => setTimeout(resolve, ms)); return 'slept'; }`;

test('promise 1: runs of one queue never overlap, and runs without one do', async () => {
  await using runtime = await startRuntime({ sleeps }, { concurrency: 6 });
  const queued = await Promise.all(
    [1, 2, 3].map(() => runtime.schedule('sleeps', { parameters: { ms: 200 }, queue: 'one' })),
  );
  const free = await Promise.all([1, 2, 3].map(() => runtime.schedule('sleeps', { parameters: { ms: 1000 } })));
  const spans = (await Promise.all(queued.map((run) => runtime.ended(run)))).map(
    (run) => [Date.parse(run.startedAt ?? ''), Date.parse(run.finishedAt ?? '')] as const,
  );
  spans.sort((a, b) => a[0] - b[0]);
  for (const [index, span] of spans.entries())
    if (index > 0) assert.ok(span[0] >= (spans[index - 1]?.[1] ?? Infinity), JSON.stringify(spans));
  const starts = (await Promise.all(free.map((run) => runtime.ended(run)))).map((run) =>
    Date.parse(run.startedAt ?? ''),
  );
  assert.ok(Math.max(...starts) - Math.min(...starts) < 1000, 'they were under way together');
});
