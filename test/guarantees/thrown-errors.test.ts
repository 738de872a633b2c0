import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { listRuns } from '../../src/engine/operations/list-runs.ts';
import { type Runtime, startRuntime } from '../support/runtime.ts';

const tasks: Readonly<Record<string, string>> = {
  system: `import { readFileSync } from 'node:fs';\nexport async function run() { readFileSync('/nowhere/at-all'); }`,
  own: `class HttpError extends Error {
      status = 429; retryAfter = '60'; ok = false; body = null; big = 12n; when = NaN; request = { headers: { authorization: 'secret' } }; long = 'x'.repeat(5_000); '\\0' = 1;
      get worse() { throw new Error('no'); }
    }
    export async function run() { throw Object.assign(new HttpError('slow down'), Object.fromEntries(Array.from({ length: 100 }, (_, n) => ['p' + n, n]))); }`,
  aggregate: `export async function run() { await Promise.any([Promise.reject(new TypeError('first')), Promise.reject(Object.assign(new Error('second'), { code: 'E_SECOND' })), Promise.reject('third')]); }`,
  refused: `import { connect } from 'node:net';\nexport async function run() { throw new AggregateError([Object.assign(new Error('connect to ::1'), { code: 'ECONNREFUSED' }), new Error('connect to 127.0.0.1')]); }`,
  causes: `export async function run() { throw new Error('outer', { cause: new AggregateError([new Error('inner', { cause: 'a word' })], 'several') }); }`,
  circle: `export async function run() { const errors = Array.from({ length: 30 }, (_, n) => new Error('e' + n)); for (const error of errors) { error.cause = errors[0]; error.errors = errors; } throw errors[3]; }`,
  orders: `const check = (order) => { throw new Error('order ' + order + ' was refused'); };
    export async function run({ order, other }) { if (other) throw new Error('order ' + order + ' was refused'); check(order); }`,
  uncaught: `export const config = { maxAttempts: 1 };\nexport async function run() { setTimeout(() => { throw Object.assign(new Error('late'), { code: 'E_LATE' }); }); await new Promise((resolve) => setTimeout(resolve, 60_000)); }`,
};

describe('what is stored of an error that a task threw', () => {
  let runtime: Runtime;
  before(async () => {
    runtime = await startRuntime(tasks);
  });
  after(() => runtime[Symbol.asyncDispose]());
  const errorOf = async (task: string) => {
    const { error } = await runtime.run(task);
    assert.ok(error !== null);
    return { ...error, stack: error.stack ?? '' };
  };

  it('its own properties, such as the code of a system error', async () => {
    const { properties, name } = await errorOf('system');
    assert.deepEqual(
      [name, properties],
      ['Error', { errno: -2, code: 'ENOENT', syscall: 'open', path: '/nowhere/at-all' }],
    );
  });

  it('a fingerprint, by which all that failed by the same mistake are listed', async () => {
    const runs = [];
    for (const parameters of [{ order: 1 }, { order: 25 }, { order: 3, other: true }])
      runs.push(await runtime.run('orders', { parameters }));
    const [first, second, other] = runs;
    assert.match(first?.fingerprint ?? '', /^[0-9a-f]{16}$/);
    assert.equal(second?.fingerprint, first?.fingerprint);
    assert.notEqual(other?.fingerprint, first?.fingerprint);
    const uncaught = await runtime.run('uncaught');
    assert.match(uncaught.fingerprint ?? '', /^[0-9a-f]{16}$/);
    const { runs: listed } = await listRuns(runtime.store, 'testing', { fingerprint: first?.fingerprint ?? '' });
    assert.deepEqual(
      listed.map(({ id }) => id),
      [second?.id, first?.id],
    );
  });

  it('no more than thirty of them, short and plain', async () => {
    const { properties = {}, name } = await errorOf('own');
    const { status, retryAfter, ok, body, big, long, ...others } = properties;
    assert.deepEqual([name, status, retryAfter, ok, body, big], ['Error', 429, '60', false, null, '12']);
    assert.match(String(long), /^x{1000}… \(5000 characters\)$/);
    assert.equal('request' in others || 'when' in others, false);
    assert.equal(Object.keys(properties).length, 30);
  });

  it('the errors of an AggregateError', async () => {
    const { message, stack } = await errorOf('aggregate');
    assert.equal(message, 'All promises were rejected');
    assert.match(stack, /\[errors\]\[0\]: TypeError: first\n/);
    assert.match(stack, /\[errors\]\[1\]: Error: second\n[^[]*code: 'E_SECOND'/);
    assert.match(stack, /\[errors\]\[2\]: third$/);
  });

  it('what the errors say of one that says nothing itself', async () => {
    assert.equal((await errorOf('refused')).message, 'connect to ::1; connect to 127.0.0.1');
  });

  it('causes of causes, also those that are no errors', async () => {
    assert.match(
      (await errorOf('causes')).stack,
      /^Error: outer\n[^]*\[cause\]: AggregateError: several\n[^]*\[errors\]\[0\]: Error: inner\n[^]*\[cause\]: a word/,
    );
  });

  it('errors that hold each other, once each', async () => {
    const { stack } = await errorOf('circle');
    assert.equal(stack.match(/Error: e7\n/g)?.length, 1);
    assert.ok(stack.length < 100_100);
  });

  it('the same of an exception that nothing caught', async () => {
    assert.deepEqual((await errorOf('uncaught')).properties, { code: 'E_LATE' });
  });
});
