import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cancelRun } from '../../src/operations/cancel-run.ts';
import { getRun } from '../../src/operations/get-run.ts';
import { listRuns } from '../../src/operations/list-runs.ts';
import { pauseQueue, resumeQueue } from '../../src/operations/pause-queue.ts';
import { retryRun } from '../../src/operations/retry-run.ts';
import { startRuntime, type Runtime, until } from '../support/runtime.ts';

const tasks: Record<string, string> = {
  echo: `export async function run(params: unknown) { return { params, at: Date.now(), by: CloudCode.run.scheduledBy }; }`,
  imported: `import { CloudCode } from 'cloudcode';\nexport async function run() { return CloudCode.scheduleTask({ task: 'echo', parameters: { imported: true } }); }`,
  schedules: `export async function run({ options }: { options: any }) {
    if (options.at) options.at = new Date(options.at);
    return CloudCode.scheduleTask(options);
  }`,
  unawaited: `export async function run() {
    const parameters = { value: 1 };
    void CloudCode.scheduleTask({ task: 'echo', parameters });
    parameters.value = 2;
    return 'done';
  }`,
  unawaited_throws: `export async function run() { void CloudCode.scheduleTask({ task: 'echo', parameters: { from: 'throws' } }); throw new Error('after all'); }`,
  fan_out: `export async function run() { return (await Promise.all(Array.from({ length: 50 }, (_, n) => CloudCode.scheduleTask({ task: 'echo', parameters: { n } })))).map(({ id }) => id); }`,
  refused: `export async function run() {
    const wrong: [string, () => any][] = [
      ['unknown_task', () => ({ task: 'ecko' })], ['invalid_task', () => undefined], ['unknown_option', () => ({ task: 'echo', que: 'x' })],
      ['invalid_parameters', () => ({ task: 'echo', parameters: { f() {} } })], ['invalid_parameters', () => ({ task: 'echo', parameters: { n: 1n } })],
      ['parameters_too_large', () => ({ task: 'echo', parameters: { x: 'x'.repeat(6_000_000) } })], ['invalid_at', () => ({ task: 'echo', at: new Date(NaN) })],
      ['invalid_after', () => ({ task: 'echo', after: -5 })], ['at_and_after', () => ({ task: 'echo', at: new Date(), after: 5 })], ['invalid_queue', () => ({ task: 'echo', queue: '' })],
    ];
    const seen: string[] = [];
    for (const [code, options] of wrong) {
      try { await CloudCode.scheduleTask(options()); seen.push(code + ' was not refused'); }
      catch (error: any) { if (error.code !== code || !(error instanceof Error) || error.message.length < 10) seen.push(code + ' got ' + error.code + ': ' + error.message); else seen.push(error.message); }
    }
    return seen;
  }`,
  unhandled_refusal: `export const config = { maxAttempts: 1 };\nexport async function run() { void CloudCode.scheduleTask({ task: 'nothing_like_it' }); return 'done'; }`,
  sleeps: `export async function run({ ms }: { ms: number }) { console.log('sleeping'); await new Promise((resolve) => setTimeout(resolve, ms)); return 'slept'; }`,
  crashes_once: `export async function run() { if (CloudCode.run.attempt === 1) process.exit(1); return CloudCode.run.attempt; }`,
  fails_until: `import { existsSync } from 'node:fs';\nexport async function run({ file }: { file: string }) { if (!existsSync(file)) throw new Error('not yet'); return 'now'; }`,
};

let runtime: Runtime;
before(async () => {
  runtime = await startRuntime(tasks, { concurrency: 6 });
});
after(async () => {
  await runtime[Symbol.asyncDispose]();
});

test('promise 2: a task schedules another, which runs with its parameters in the same environment', async () => {
  const run = await runtime.run('schedules', { parameters: { options: { task: 'echo', parameters: { myvalue: 42 } } } });
  const other = await runtime.ended((run.result as { id: string }).id);
  assert.equal(other.environment, 'testing');
  assert.equal(other.scheduledBy, run.id);
  assert.deepEqual((other.result as { params: unknown }).params, { myvalue: 42 });
});

test('CloudCode can be imported as well', async () => {
  const run = await runtime.run('imported');
  const other = await runtime.ended((run.result as { id: string }).id);
  assert.deepEqual((other.result as { params: unknown }).params, { imported: true });
});

test('promise 2: a schedule call that was not awaited is carried out before the answer counts, with the parameters of its moment', async () => {
  for (const [task, state] of [['unawaited', 'succeeded'], ['unawaited_throws', 'failed']] as const) {
    const run = await runtime.run(task);
    assert.equal(run.state, state);
    const { runs } = await listRuns(runtime.store, 'testing', { task: 'echo', limit: 200 });
    const [scheduled] = runs.filter((each) => each.scheduledBy === run.id);
    assert.ok(scheduled !== undefined);
    assert.deepEqual(scheduled.parameters, task === 'unawaited' ? { value: 1 } : { from: 'throws' });
  }
});

test('fan-out: fifty runs from one task all run', async () => {
  const run = await runtime.run('fan_out');
  const ends = await Promise.all((run.result as string[]).map((id) => runtime.ended(id)));
  assert.deepEqual(ends.map((each) => (each.result as { params: { n: number } }).params.n), Array.from({ length: 50 }, (_, n) => n));
});

test('every refusal reaches the caller’s await, says what to do, and adds no run', async () => {
  const before_ = (await listRuns(runtime.store, 'testing', { task: 'echo', limit: 200 })).runs.length;
  const run = await runtime.run('refused');
  const seen = run.result as string[];
  assert.equal(seen.length, 10);
  assert.deepEqual(seen.filter((text) => / got |was not refused/.test(text)), []);
  assert.match(seen[0] ?? '', /no task `ecko`.*Did you mean `echo`\?/);
  assert.match(seen[2] ?? '', /no option `que`.*Did you mean `queue`\?/);
  assert.equal((await listRuns(runtime.store, 'testing', { task: 'echo', limit: 200 })).runs.length, before_);
});

test('a refusal that nobody handles is a crash with its text', async () => {
  const run = await runtime.run('unhandled_refusal');
  assert.equal(run.state, 'dead');
  assert.match(run.error?.message ?? '', /no task `nothing_like_it`/);
});

test('promise 7: not before its time, and soon after it', async () => {
  const at = new Date(Date.now() + 1200);
  const [byAt, byAfter] = await Promise.all([runtime.run('echo', { at }), runtime.run('echo', { after: 1200 })]);
  for (const run of [byAt, byAfter]) {
    const late = Date.parse(run.startedAt ?? '') - Date.parse(run.dueAt);
    assert.ok(late >= 0, `started ${late} ms after it was due`);
    assert.ok(late < 1000, `started ${late} ms after it was due`);
  }
  assert.equal(byAt.dueAt, at.toISOString());
});

test('promise 7: a past time runs at once; a far one is kept', async () => {
  const past = await runtime.run('echo', { at: new Date('0001-01-01T00:00:00Z') });
  assert.equal(past.dueAt, '0001-01-01T00:00:00.000Z');
  const far = await runtime.schedule('echo', { at: new Date('9999-12-31T23:59:59.999Z') });
  assert.equal(far.state, 'scheduled');
  assert.equal(far.dueAt, '9999-12-31T23:59:59.999Z');
  assert.equal((await cancelRun(runtime.store, 'testing', far.id)).state, 'cancelled');
});

test('promise 4: a crashed attempt is tried again after its back-off and keeps its due time', async () => {
  const run = await runtime.run('crashes_once');
  assert.equal(run.state, 'succeeded');
  assert.equal(run.result, 2);
  assert.deepEqual(run.attempts.map((attempt) => attempt.outcome), ['exited', 'returned']);
  const [first, second] = run.attempts;
  const waited = Date.parse(second?.startedAt ?? '') - Date.parse(first?.finishedAt ?? '');
  assert.ok(waited >= 1000 && waited < 1700, `waited ${waited} ms`);
  assert.ok(BigInt(second?.fence ?? 0) > BigInt(first?.fence ?? 0));
});

test('promise 1: runs of one queue never overlap, and runs without one do', async () => {
  const queued = await Promise.all([1, 2, 3].map(() => runtime.schedule('sleeps', { parameters: { ms: 200 }, queue: 'one' })));
  const free = await Promise.all([1, 2, 3].map(() => runtime.schedule('sleeps', { parameters: { ms: 1000 } })));
  const spans = (await Promise.all(queued.map((run) => runtime.ended(run)))).map((run) => [Date.parse(run.startedAt ?? ''), Date.parse(run.finishedAt ?? '')] as const);
  spans.sort((a, b) => a[0] - b[0]);
  for (const [index, span] of spans.entries()) if (index > 0) assert.ok(span[0] >= (spans[index - 1]?.[1] ?? Infinity), JSON.stringify(spans));
  const starts = (await Promise.all(free.map((run) => runtime.ended(run)))).map((run) => Date.parse(run.startedAt ?? ''));
  assert.ok(Math.max(...starts) - Math.min(...starts) < 1000, 'they were under way together');
});

test('a running run can be cancelled: its process is killed, and the queue goes on', async () => {
  const run = await runtime.schedule('sleeps', { parameters: { ms: 60_000 }, queue: 'cancelled' });
  const next = await runtime.schedule('echo', { queue: 'cancelled' });
  await runtime.printed(run, 'sleeping');
  await cancelRun(runtime.store, 'testing', run.id);
  const ended = await runtime.ended(run, 5000);
  assert.equal(ended.state, 'cancelled');
  assert.equal(ended.attempts[0]?.outcome, 'cancelled');
  assert.equal((await runtime.ended(next, 5000)).state, 'succeeded');
  await assert.rejects(cancelRun(runtime.store, 'testing', run.id), { code: 'run_already_final' });
});

test('a waiting run can be cancelled, and a cancelled, failed or dead one gets a new set of attempts', async () => {
  const waiting = await runtime.schedule('echo', { after: 60_000 });
  assert.equal((await cancelRun(runtime.store, 'testing', waiting.id)).state, 'cancelled');
  await retryRun(runtime.store, 'testing', waiting.id);
  assert.equal((await runtime.ended(waiting, 5000)).state, 'succeeded');
  await assert.rejects(retryRun(runtime.store, 'testing', waiting.id), { code: 'run_succeeded' });
  const file = `${runtime.folder}/now`;
  const failed = await runtime.run('fails_until', { parameters: { file } });
  assert.equal(failed.state, 'failed');
  await import('node:fs/promises').then((fs) => fs.writeFile(file, ''));
  await retryRun(runtime.store, 'testing', failed.id);
  const retried = await until(5000, 'it succeeded', async () => {
    const run = await getRun(runtime.store, 'testing', failed.id);
    return run.state === 'succeeded' ? run : null;
  });
  assert.deepEqual(retried.attempts.map((attempt) => attempt.number), [1, 2]);
  assert.equal(retried.error, null);
});

test('a paused queue starts nothing until it is resumed', async () => {
  await pauseQueue(runtime.store, 'testing', 'paused');
  const run = await runtime.schedule('echo', { queue: 'paused' });
  await runtime.run('echo');
  assert.equal((await getRun(runtime.store, 'testing', run.id)).state, 'queued');
  await resumeQueue(runtime.store, 'testing', 'paused');
  assert.equal((await runtime.ended(run, 5000)).state, 'succeeded');
});

test('a stopping runner gives back what does not finish in time, without counting the attempt', async () => {
  await using own = await startRuntime({ sleeps: tasks['sleeps'] ?? '' });
  const quick = await own.schedule('sleeps', { parameters: { ms: 300 } });
  const slow = await own.schedule('sleeps', { parameters: { ms: 60_000 } });
  await Promise.all([own.printed(quick, 'sleeping'), own.printed(slow, 'sleeping')]);
  await own.runner.stop({ drainMs: 1000 });
  assert.equal((await getRun(own.store, 'testing', quick.id)).state, 'succeeded');
  const run = await getRun(own.store, 'testing', slow.id);
  assert.equal(run.state, 'queued');
  assert.equal(run.attempts[0]?.outcome, 'cancelled');
  assert.equal(run.retryAt, null);
});
