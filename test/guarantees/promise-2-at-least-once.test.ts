import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { listRuns } from '../../src/engine/operations/list-runs.ts';
import { startRuntime, type Runtime } from '../support/runtime.ts';

const tasks: Record<string, string> = {
  throws: `export async function run() {\n  await null;\n  throw new RangeError('no such thing', { cause: new Error('deeper') });\n}`,
  echo: `export async function run(params: unknown) { return { params, at: Date.now(), by: CloudCode.run.scheduledBy }; }`,
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
};

let runtime: Runtime;
before(async () => {
  runtime = await startRuntime(tasks, { concurrency: 6 });
});
after(async () => {
  await runtime[Symbol.asyncDispose]();
});

test('promise 2: a task schedules another, which runs with its parameters in the same environment', async () => {
  const run = await runtime.run('schedules', {
    parameters: { options: { task: 'echo', parameters: { myvalue: 42 } } },
  });
  const other = await runtime.ended((run.result as { id: string }).id);
  assert.equal(other.environment, 'testing');
  assert.equal(other.scheduledBy, run.id);
  assert.deepEqual((other.result as { params: unknown }).params, { myvalue: 42 });
});

test('promise 2: a schedule call that was not awaited is carried out before the answer counts, with the parameters of its moment', async () => {
  for (const [task, state] of [
    ['unawaited', 'succeeded'],
    ['unawaited_throws', 'failed'],
  ] as const) {
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
  assert.deepEqual(
    ends.map((each) => (each.result as { params: { n: number } }).params.n),
    Array.from({ length: 50 }, (_, n) => n),
  );
});
