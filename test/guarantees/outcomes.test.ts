import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { isAlive, listPids, readEnviron, readStat } from '../../src/runner/containment/proc-files.ts';
import { startRuntime, type Runtime, until } from '../support/runtime.ts';

const once = `export const config = { maxAttempts: 1 };`;
const short = `export const config = { maxAttempts: 1, timeoutMs: 700 };`;

const tasks: Record<string, string> = {
  returns: `export async function run(params: unknown) { console.log('hello'); return { got: params }; }`,
  throws: `export async function run() {\n  await null;\n  throw new RangeError('no such thing', { cause: new Error('deeper') });\n}`,
  throws_nothing: `export async function run() { throw undefined; }`,
  throws_on_load: `throw new Error('at the top');\nexport async function run() {}`,
  exits: `${once}\nexport async function run() {\n  process.exit(0);\n}`,
  exits_7: `${once} export async function run() { process.exit(7); }`,
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
  no_json: `export async function run() { const a: Record<string, unknown> = {}; a['a'] = a; return a; }`,
  bigint: `export async function run() { return { a: 1n }; }`,
  big: `export async function run() { return 'x'.repeat(5 * 1024 * 1024); }`,
  undefined_: `export async function run() { return undefined; }`,
  function_: `export async function run() { return () => 1; }`,
  strings: `export async function run(params: unknown) { return params; }`,
  prints: `export async function run() {
    console.log('one'); console.error('two'); process.stdout.write('three\\n'); console.warn('four %d', 4); process.stderr.write('fi'); process.stderr.write('ve\\n');
    console.debug({ six: 6 }); console.info('se\\nven'); console.table([{ a: 1 }]); process.stdout.write('no newline');
  }`,
  gigabyte: `export async function run() { const line = 'x'.repeat(99); for (let i = 0; i < 300_000; i++) console.log(line); process.stdout.write('y'.repeat(50_000_000)); return 'done'; }`,
  gigabyte_child: `import { execSync } from 'node:child_process';\nexport async function run() { execSync('head -c 200000000 /dev/zero | tr "\\\\0" "x"', { stdio: 'inherit' }); return 'done'; }`,
  grandchildren: `import { spawn } from 'node:child_process';
    export async function run() {
      const child = spawn('sh', ['-c', 'sleep 300 & setsid sleep 300 & echo started; wait'], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
      await new Promise((resolve) => child.stdout.once('data', resolve));
      return child.pid;
    }`,
  environ: `export async function run() { return { env: process.env, cwd: process.cwd(), argv: process.execArgv }; }`,
  slow_answer: `export async function run() { setInterval(() => {}, 1000); return 'answered'; }`,
  info: `export async function run() { return CloudCode.run; }`,
  handles_exceptions: `export async function run() { process.on('uncaughtException', () => {}); setTimeout(() => { throw new Error('handled'); }, 1); await new Promise((resolve) => setTimeout(resolve, 50)); return 'survived'; }`,
  closes_channel: `import { closeSync } from 'node:fs';\n${once}\nexport async function run() { closeSync(3); await new Promise((resolve) => setTimeout(resolve, 60_000)); }`,
};

let runtime: Runtime;
before(async () => {
  process.env['SECRET_OF_THE_RUNNER'] = 'hush';
  runtime = await startRuntime({ ...tasks, 'cloudcode.config.ts': `export default { environments: { testing: { variables: { GREETING: 'hi' } } } };` }, { concurrency: 6 });
});
after(async () => {
  await runtime[Symbol.asyncDispose]();
});

test('promise 3: a returned value is stored and final', async () => {
  const run = await runtime.run('returns', { parameters: { a: [1, null, 'x'] } });
  assert.equal(run.state, 'succeeded');
  assert.deepEqual(run.result, { got: { a: [1, null, 'x'] } });
  assert.equal(run.attempts.length, 1);
  const [attempt] = run.attempts;
  assert.equal(attempt?.outcome, 'returned');
  assert.ok((attempt.peakMemoryBytes ?? 0) > 10_000_000);
  assert.ok((attempt.pid ?? 0) > 0);
  assert.equal(attempt.runner, runtime.runner.id);
});

test('promise 3: a thrown error is an answer: failed, never retried, with a stack of the user’s own lines', async () => {
  const run = await runtime.run('throws');
  assert.equal(run.state, 'failed');
  assert.equal(run.attempts.length, 1);
  assert.equal(run.error?.name, 'RangeError');
  assert.equal(run.error.message, 'no such thing');
  assert.match(run.error.stack ?? '', /cloudcode\/throws\/index\.ts:3:9/);
  assert.match(run.error.stack ?? '', /\[cause\]: Error: deeper/);
});

for (const [task, message] of [['throws_nothing', /undefined was thrown/], ['throws_on_load', /at the top/]] as const) {
  test(`an answer also when it ${task}`, async () => {
    const run = await runtime.run(task);
    assert.equal(run.state, 'failed');
    assert.equal(run.attempts[0]?.outcome, 'threw');
    assert.match(run.error?.message ?? '', message);
  });
}

const withoutAnswer: readonly (readonly [string, string, string, RegExp])[] = [
  ['process.exit(0) without an answer is a crash', 'exits', 'exited', /process\.exit\(0\) was called/],
  ['process.exit(7)', 'exits_7', 'exited', /process\.exit\(7\)/],
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

test('a time-out says what the task was doing', async () => {
  const busy = await runtime.run('busy');
  assert.match(busy.error?.stack ?? '', /spin.*cloudcode\/busy\/index\.ts:3/);
  const waiting = await runtime.run('waits');
  assert.match(waiting.error?.stack ?? '', /waiting for.*Timeout/);
});

test('process.exit says where it was called', async () => {
  assert.match((await runtime.run('exits')).error?.stack ?? '', /cloudcode\/exits\/index\.ts:3/);
});

for (const [task, message] of [['no_json', /circular/], ['bigint', /BigInt/], ['big', /5 MB/], ['function_', /function/]] as const) {
  test(`promise 3: a returned value that cannot be stored is still an answer: ${task}`, async () => {
    const run = await runtime.run(task);
    assert.equal(run.state, 'succeeded');
    assert.equal(run.attempts.length, 1);
    assert.equal(run.result, null);
    assert.match(run.error?.message ?? '', message);
  });
}

test('undefined is a result like null', async () => {
  const run = await runtime.run('undefined_');
  assert.equal(run.state, 'succeeded');
  assert.equal(run.result, null);
  assert.equal(run.error, null);
});

test('parameters and results keep every JSON string exactly', async () => {
  const parameters = { nul: 'a\0b', lone: '\ud800', pair: '😀', __proto__: null, quote: '"\\' };
  const run = await runtime.run('strings', { parameters });
  assert.deepEqual(run.result, { ...parameters });
  assert.deepEqual(run.parameters, { ...parameters });
});

test('console and output are captured line by line, in order, with their levels', async () => {
  const run = await runtime.run('prints');
  const lines = await runtime.store.query<{ level: string; message: string }>({ name: '', text: `select level, message from cloudcode.log_lines where run_id = '${run.id}' order by seq` });
  assert.deepEqual(lines.slice(0, 8).map((line) => [line.level, line.message]), [
    ['log', 'one'], ['error', 'two'], ['stdout', 'three'], ['warn', 'four 4'], ['stderr', 'five'], ['debug', '{ six: 6 }'], ['info', 'se'], ['info', 'ven'],
  ]);
  assert.ok(lines.some((line) => line.message === 'no newline'));
});

for (const task of ['gigabyte', 'gigabyte_child']) {
  test(`output is bounded, and the record says what was cut: ${task}`, async () => {
    const run = await runtime.run(task);
    assert.equal(run.state, 'succeeded');
    const messages = await runtime.messages(run);
    const [size] = await runtime.store.query<{ bytes: number }>({ name: '', text: `select sum(length(message))::integer as bytes from cloudcode.log_lines where run_id = '${run.id}'` });
    assert.ok((size?.bytes ?? 0) <= 1_200_000, String(size?.bytes));
    const [cut] = await runtime.store.query<{ message: string }>({ name: '', text: `select message from cloudcode.log_lines where run_id = '${run.id}' and level = 'system'` });
    assert.match(cut?.message ?? String(messages.length), /were cut/);
  });
}

test('promise 5: when the attempt is over, every process it left behind is gone', async () => {
  const run = await runtime.run('grandchildren');
  assert.equal(run.state, 'succeeded');
  const attempt = run.attempts[0];
  assert.ok(!isAlive(readStat(Number(run.result))), 'the child is gone (a zombie that nobody has reaped yet runs no code)');
  const others = listPids().filter((pid) => isAlive(readStat(pid)) && (readEnviron(pid) ?? '').includes(`CLOUDCODE_RUNNER=${runtime.runner.id}`) && readStat(pid)?.ppid !== process.pid);
  assert.deepEqual(others, [], `processes of attempt ${attempt?.number ?? 0} live on`);
});

test('the worker sees the variables of its environment and nothing of the runner’s own', async () => {
  const run = await runtime.run('environ');
  const { env, cwd } = run.result as { env: Record<string, string>; cwd: string };
  assert.equal(env['GREETING'], 'hi');
  assert.equal(env['SECRET_OF_THE_RUNNER'], undefined);
  assert.doesNotMatch(JSON.stringify(env), /postgres:/);
  assert.equal(cwd, runtime.folder);
  const allowed = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR', 'CLOUDCODE_RUNNER', 'CLOUDCODE_ATTEMPT', 'GREETING'];
  assert.deepEqual(Object.keys(env).filter((name) => !allowed.includes(name)), []);
});

test('an answer is the end, also with timers left', async () => {
  const began = performance.now();
  assert.equal((await runtime.run('slow_answer')).result, 'answered');
  assert.ok(performance.now() - began < 5000);
});

test('CloudCode.run tells the attempt about itself', async () => {
  const run = await runtime.run('info', { queue: 'a queue' });
  const info = run.result as Record<string, unknown>;
  assert.deepEqual(info, {
    id: run.id, task: 'info', environment: 'testing', queue: 'a queue', attempt: 1, maxAttempts: 5, fence: run.attempts[0]?.fence, scheduledBy: null,
  });
});

test('an exception that the task handles itself is no crash', async () => {
  assert.equal((await runtime.run('handles_exceptions')).result, 'survived');
});

test('a running attempt shows its pid', async () => {
  const run = await runtime.schedule('waits');
  const pid = await until(5000, 'the attempt has a pid', async () => {
    const [row] = await runtime.store.query<{ pid: number | null }>({ name: '', text: `select pid from cloudcode.attempts where run_id = '${run.id}'` });
    return row?.pid ?? null;
  });
  assert.match(readFileSync(`/proc/${pid}/environ`, 'latin1'), /CLOUDCODE_ATTEMPT=/);
  await runtime.ended(run);
});
