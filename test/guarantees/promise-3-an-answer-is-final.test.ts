import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startRuntime, type Runtime } from '../support/runtime.ts';

const tasks: Record<string, string> = {
  returns: `export async function run(params: unknown) { console.log('hello'); return { got: params }; }`,
  throws: `export async function run() {\n  await null;\n  throw new RangeError('no such thing', { cause: new Error('deeper') });\n}`,
  throws_nothing: `export async function run() { throw undefined; }`,
  throws_on_load: `throw new Error('at the top');\nexport async function run() {}`,
  no_json: `export async function run() { const a: Record<string, unknown> = {}; a['a'] = a; return a; }`,
  bigint: `export async function run() { return { a: 1n }; }`,
  big: `export async function run() { return 'x'.repeat(5 * 1024 * 1024); }`,
  undefined_: `export async function run() { return undefined; }`,
  function_: `export async function run() { return () => 1; }`,
  strings: `export async function run(params: unknown) { return params; }`,
  slow_answer: `export async function run() { setInterval(() => {}, 1000); return 'answered'; }`,
};

let runtime: Runtime;
before(async () => {
  runtime = await startRuntime(tasks, { concurrency: 6 });
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
  assert.ok((attempt.peakMemoryBytes ?? 0) > 4_000_000, `${attempt.peakMemoryBytes} bytes`);
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

for (const [task, message] of [
  ['throws_nothing', /undefined was thrown/],
  ['throws_on_load', /at the top/],
] as const) {
  test(`an answer also when it ${task}`, async () => {
    const run = await runtime.run(task);
    assert.equal(run.state, 'failed');
    assert.equal(run.attempts[0]?.outcome, 'threw');
    assert.match(run.error?.message ?? '', message);
  });
}

for (const [task, message] of [
  ['no_json', /circular/],
  ['bigint', /BigInt/],
  ['big', /5 MB/],
  ['function_', /function/],
] as const) {
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

test('an answer is the end, also with timers left', async () => {
  const began = performance.now();
  assert.equal((await runtime.run('slow_answer')).result, 'answered');
  assert.ok(performance.now() - began < 5000);
});
