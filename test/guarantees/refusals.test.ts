import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { listRuns } from '../../src/engine/operations/list-runs.ts';
import { type Runtime, startRuntime } from '../support/runtime.ts';

const forAMinute = `await new Promise((resolve) => setTimeout(resolve, 60_000));`;
const task = (lines: string): string => `export async function run() {\n  ${lines}\n}\n`;

/** The call stands in line 2. */
const unhandled: Readonly<Record<string, readonly [string, RegExp]>> = {
  'of a task that goes on': [
    task(`void CloudCode.scheduleTask({ task: 'okk' });\n${forAMinute}`),
    /no task `okk`.*`ok`/,
  ],
  'of a task that returns': [task(`void CloudCode.scheduleTask({ task: 'okk' });\nreturn 'done';`), /no task `okk`/],
  'of an option, of a task that returns at once': [
    task(`void CloudCode.scheduleTask({ task: 'ok', colour: 1 });\nreturn 'done';`),
    /no option `colour`/,
  ],
  'of a value': [
    task(`void CloudCode.scheduleTask({ task: 'ok', parameters: { map: new Map() } });\n${forAMinute}`),
    /parameters\.map.*a Map/,
  ],
  'of scheduleTasks': [
    task(`void CloudCode.scheduleTasks([{ task: 'ok', queue: '' }]);\n${forAMinute}`),
    /\[0\].*queue/,
  ],
  'that was passed on': [
    task(`void CloudCode.scheduleTask({ task: 'okk' }).then(() => console.log('scheduled'));\n${forAMinute}`),
    /no task `okk`/,
  ],
  'in a function that was not awaited': [
    `async function start() {\n  await CloudCode.scheduleTask({ task: 'okk' });\n}\nexport async function run() { void start(); ${forAMinute} }\n`,
    /no task `okk`/,
  ],
};

const others: Readonly<Record<string, string>> = {
  error: task(`void Promise.reject(new Error('nobody cares'));\n${forAMinute}`),
  wrapped: task(
    `void CloudCode.scheduleTask({ task: 'okk' }).catch((error) => { throw new Error('wrapped', { cause: error }); });\n${forAMinute}`,
  ),
  data: task(
    `void new DB.Batch().execute(1);\nconst batch = new DB.Batch();\nbatch.scheduleTask({ task: 'okk' });\nvoid batch.execute();\n${forAMinute}`,
  ),
};

describe('a refusal of scheduleTask that nobody handled', () => {
  let runtime: Runtime;
  before(async () => {
    const tasks = Object.fromEntries(Object.values(unhandled).map(([text], index) => [`refused_${index}`, text]));
    runtime = await startRuntime({
      ...tasks,
      ...others,
      'cloudcode.config.js': 'export default { defaults: { maxAttempts: 2 } };',
      ok: 'export async function run(params) { return params; }',
      beside: task(
        `for (let n = 0; n < 20; n += 1) void CloudCode.scheduleTask({ task: n === 3 ? 'okk' : 'ok', parameters: { n } });\n${forAMinute}`,
      ),
      caught: task(
        `const error = await CloudCode.scheduleTask({ task: 'okk' }).catch((error) => error);\nreturn [error.code, error.stack];`,
      ),
      listens: task(
        `process.on('unhandledRejection', () => {});\nvoid CloudCode.scheduleTask({ task: 'okk' });\nreturn 'done';`,
      ),
    });
  });
  after(() => runtime[Symbol.asyncDispose]());

  const outcomes = (run: Run): readonly unknown[] => [run.state, run.attempts.map(({ outcome }) => outcome)];

  for (const [index, [name, [, message]]] of Object.entries(unhandled).entries()) {
    it(`counts as thrown by run, with the line of the call: ${name}`, async () => {
      const run = await runtime.run(`refused_${index}`);
      assert.deepEqual(outcomes(run), ['failed', ['threw']], JSON.stringify(run));
      assert.equal(run.error?.name, 'CloudCodeError');
      assert.match(run.error.message, message);
      assert.match(run.error.stack ?? '', new RegExp(`^CloudCodeError: .*\\n.*refused_${index}/index.ts:2:`));
      assert.deepEqual(await runtime.messages(run), []);
    });
  }

  it('leaves the calls beside it to be carried out', async () => {
    const run = await runtime.run('beside');
    assert.deepEqual(outcomes(run), ['failed', ['threw']]);
    const { runs } = await listRuns(runtime.store, 'testing', { task: 'ok', limit: 100 });
    assert.equal(runs.filter(({ scheduledBy }) => scheduledBy === run.id).length, 19);
  });

  it('is none when the task handles it, who sees the line of the call', async () => {
    const caught = await runtime.run('caught');
    const [code, stack] = caught.result as readonly [string, string];
    assert.equal(code, 'unknown_task');
    assert.match(stack, /caught\/index\.ts:2:/);
    assert.deepEqual(outcomes(await runtime.run('listens')), ['succeeded', ['returned']]);
  });

  for (const [name, message] of Object.entries({ error: /nobody cares/, wrapped: /wrapped/, data: /no task `okk`/ })) {
    it(`is not any other rejection that nobody handled: that is exited, and no code of ours is shown: ${name}`, async () => {
      const run = await runtime.run(name);
      assert.deepEqual(outcomes(run), ['dead', ['exited', 'exited']]);
      assert.match(run.error?.message ?? '', message);
      for (const line of await runtime.messages(run))
        assert.ok(line.length < 600, `a line of ${line.length} characters`);
    });
  }
});
