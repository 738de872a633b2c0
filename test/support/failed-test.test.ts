import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, run } from 'node:test';
import { describeFailure } from './failed-test.ts';

const tests = `
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
describe('a suite', () => {
  it('compares', () => assert.deepEqual({ found: 1 }, { found: 2 }));
  it('waits for too long', { timeout: 20 }, async () => new Promise((resolve) => setTimeout(resolve, 500)));
  it('has a cause', () => { throw new Error('the outer one', { cause: new Error('the inner one') }); });
  it('says a lot', () => { throw new Error(Array.from({ length: 500 }, (_, n) => 'line ' + n).join('\\n')); });
  it('passes', () => {});
  it('is to do', { todo: true }, () => { throw new Error('known'); });
  it.todo('is to do as well', () => { throw new Error('known'); });
});
`;

describe('a failed test is told by itself', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cloudcode-failed-'));
  const file = join(folder, 'fails.test.mjs');
  writeFileSync(file, tests);
  const told: string[] = [];
  // By this variable a runner knows that it would run within another, which it refuses.
  delete process.env['NODE_TEST_CONTEXT'];
  const events = run({ files: [file] });
  events.on('test:fail', (failure) => {
    const text = describeFailure(failure);
    if (text !== null) told.push(text);
  });
  for await (const _ of events);
  rmSync(folder, { recursive: true });
  const [compares = '', waits = '', cause = '', long = '', ...more] = told;

  it('each once, and neither the suite that it is in nor what is to do', () => assert.deepEqual(more, []));

  it('with its name and place, what was expected, and the stack of the test alone', () => {
    assert.match(compares, /^✖ compares \(.*fails\.test\.mjs:5\)\n/);
    assert.match(compares, /found: 1[\s\S]*found: 2/);
    assert.match(compares, /at .*fails\.test\.mjs:5:/);
    assert.doesNotMatch(compares, /node:internal/);
  });

  it('also when it took too long', () =>
    assert.match(waits, /^✖ waits for too long .*\n {4}test timed out after 20ms/));

  it('with the cause of its error', () => assert.match(cause, /the outer one[\s\S]*the inner one/));

  it('in 40 lines at most', () => {
    assert.equal(long.split('\n').length, 40);
    assert.match(long, /line 0\n[\s\S]*… and \d+ lines more$/);
  });
});
