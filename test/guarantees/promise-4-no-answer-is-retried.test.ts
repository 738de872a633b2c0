import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cancelRun } from '../../src/engine/operations/cancel-run.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { retryRun } from '../../src/engine/operations/retry-run.ts';
import { startRuntime, type Runtime, until } from '../support/runtime.ts';

const once = `export const config = { maxAttempts: 1 };`;
const short = `export const config = { maxAttempts: 1, timeoutMs: 700 };`;

const tasks: Record<string, string> = {
  exits: `${once}\nexport async function run() {\n  process.exit(0);\n}`,
  exits_7: `${once} export async function run() { process.exit(7); }`,
  exits_beside_child: `import { spawn } from 'node:child_process';\n${once} export async function run() { spawn('sleep', ['300'], { stdio: 'inherit' }); process.exit(7); }`,
  uncaught: `${once} export async function run() { setTimeout(() => { throw new TypeError('out of the blue'); }, 1); await new Promise(() => setInterval(() => {}, 1000)); }`,
  unhandled: `${once} export async function run() { void Promise.reject(new Error('nobody cares')); await new Promise((resolve) => setTimeout(resolve, 5000)); }`,
  empty: `${once} export async function run() { await new Promise(() => {}); }`,
  killed: `${once} export async function run() { process.kill(process.pid, 'SIGKILL'); await new Promise((resolve) => setTimeout(resolve, 5000)); }`,
  term: `${once} export async function run() { process.kill(process.pid, 'SIGTERM'); await new Promise((resolve) => setTimeout(resolve, 5000)); }`,
  busy: `${short} export async function run() { spin(); }\nfunction spin() {\n  for (;;) {}\n}`,
  waits: `${short} export async function run() { await new Promise((resolve) => setTimeout(resolve, 60_000)); }`,
  ignores_term: `${short} export async function run() { process.on('SIGTERM', () => {}); process.on('SIGINT', () => {}); await new Promise((resolve) => setTimeout(resolve, 60_000)); }`,
  heap: `export const config = { maxAttempts: 1, memoryMb: 80 };\nexport async function run() { const all: unknown[] = []; for (;;) all.push(Array.from({ length: 1000 }, () => ({ x: Math.random() }))); }`,
  buffers: `export const config = { maxAttempts: 1, memoryMb: 200 };\nexport async function run() { const all: Buffer[] = []; for (;;) { all.push(Buffer.alloc(10_000_000, 1)); await new Promise((resolve) => setTimeout(resolve, 5)); } }`,
  child_hog: `import { spawn } from 'node:child_process';\nexport const config = { maxAttempts: 1, memoryMb: 200 };\nexport async function run() { spawn(process.execPath, ['-e', 'const a = []; setInterval(() => a.push(Buffer.alloc(10_000_000, 1)), 5)']); await new Promise((resolve) => setTimeout(resolve, 60_000)); }`,
  handles_exceptions: `export async function run() { process.on('uncaughtException', () => {}); setTimeout(() => { throw new Error('handled'); }, 1); await new Promise((resolve) => setTimeout(resolve, 50)); return 'survived'; }`,
  closes_channel: `import { closeSync } from 'node:fs';\n${once}\nexport async function run() { closeSync(3); await new Promise((resolve) => setTimeout(resolve, 60_000)); }`,
  echo: `export async function run(params: unknown) { return { params, at: Date.now(), by: CloudCode.run.scheduledBy }; }`,
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

const withoutAnswer: readonly (readonly [string, string, string, RegExp])[] = [
  ['process.exit(0) without an answer is a crash', 'exits', 'exited', /process\.exit\(0\) was called/],
  ['process.exit(7)', 'exits_7', 'exited', /process\.exit\(7\)/],
  ['process.exit(7) beside a child that holds its output open', 'exits_beside_child', 'exited', /process\.exit\(7\)/],
  ['an uncaught exception', 'uncaught', 'exited', /nothing caught.*TypeError: out of the blue/],
  ['an unhandled rejection', 'unhandled', 'exited', /rejected promise.*Error: nobody cares/],
  ['an event loop that runs empty', 'empty', 'exited', /ran empty/],
  ['SIGKILL by itself', 'killed', 'killed', /SIGKILL/],
  ['SIGTERM by itself', 'term', 'killed', /SIGTERM/],
  ['a busy loop over its time', 'busy', 'timed_out', /700 ms/],
  ['waiting over its time', 'waits', 'timed_out', /700 ms/],
  ['ignoring SIGTERM over its time', 'ignores_term', 'timed_out', /700 ms/],
  ['a heap hog', 'heap', 'out_of_memory', /memoryMb is 80/],
  ['a Buffer hog', 'buffers', 'out_of_memory', /memoryMb is 200/],
  ['a child that hogs memory', 'child_hog', 'out_of_memory', /memoryMb is 200/],
  ['a closed channel', 'closes_channel', 'lost', /connection between the worker/],
];

for (const [name, task, outcome, message] of withoutAnswer) {
  test(`promise 4: no answer: ${name} is ${outcome}, and after the last attempt the run is dead`, async () => {
    const run = await runtime.run(task);
    assert.equal(run.attempts[0]?.outcome, outcome, JSON.stringify(run.attempts));
    assert.equal(run.state, 'dead');
    assert.match(run.error?.message ?? '', message);
    assert.deepEqual(run.attempts.at(-1)?.error, run.error);
  });
}

// A forked worker has no inspector to ask.
test(
  'a time-out says what the task was doing',
  { skip: process.env['CLOUDCODE_WORKER_START'] === 'fork' },
  async () => {
    const busy = await runtime.run('busy');
    assert.match(busy.error?.stack ?? '', /spin.*cloudcode\/busy\/index\.ts:3/);
    const waiting = await runtime.run('waits');
    assert.match(waiting.error?.stack ?? '', /waiting for.*Timeout/);
  },
);

test('process.exit says where it was called', async () => {
  assert.match((await runtime.run('exits')).error?.stack ?? '', /cloudcode\/exits\/index\.ts:3/);
});

test('an exception that the task handles itself is no crash', async () => {
  assert.equal((await runtime.run('handles_exceptions')).result, 'survived');
});

test('promise 4: a crashed attempt is tried again after its back-off and keeps its due time', async () => {
  const run = await runtime.run('crashes_once');
  assert.equal(run.state, 'succeeded');
  assert.equal(run.result, 2);
  assert.deepEqual(
    run.attempts.map((attempt) => attempt.outcome),
    ['exited', 'returned'],
  );
  const [first, second] = run.attempts;
  const waited = Date.parse(second?.startedAt ?? '') - Date.parse(first?.finishedAt ?? '');
  assert.ok(waited >= 1000 && waited < 1700, `waited ${waited} ms`);
  assert.ok(BigInt(second?.fence ?? 0) > BigInt(first?.fence ?? 0));
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
  assert.deepEqual(
    retried.attempts.map((attempt) => attempt.number),
    [1, 2],
  );
  assert.equal(retried.error, null);
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
