import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { listRuns } from '../../src/engine/operations/list-runs.ts';
import { startRuntime, type Runtime } from '../support/runtime.ts';

const tasks: Record<string, string> = {
  info: `export async function run() { return CloudCode.run; }`,
  echo: `export async function run(params: unknown) { return { params, at: Date.now(), by: CloudCode.run.scheduledBy }; }`,
  imported: `import { CloudCode } from 'cloudcode';\nexport async function run() { return CloudCode.scheduleTask({ task: 'echo', parameters: { imported: true } }); }`,
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
};

let runtime: Runtime;
before(async () => {
  runtime = await startRuntime(tasks, { concurrency: 6 });
});
after(async () => {
  await runtime[Symbol.asyncDispose]();
});

test('CloudCode can be imported as well', async () => {
  const run = await runtime.run('imported');
  const other = await runtime.ended((run.result as { id: string }).id);
  assert.deepEqual((other.result as { params: unknown }).params, { imported: true });
});

test('every refusal reaches the caller’s await, says what to do, and adds no run', async () => {
  const before_ = (await listRuns(runtime.store, 'testing', { task: 'echo', limit: 200 })).runs.length;
  const run = await runtime.run('refused');
  const seen = run.result as string[];
  assert.equal(seen.length, 10);
  assert.deepEqual(
    seen.filter((text) => / got |was not refused/.test(text)),
    [],
  );
  assert.match(seen[0] ?? '', /no task `ecko`.*Did you mean `echo`\?/);
  assert.match(seen[2] ?? '', /no option `que`.*Did you mean `queue`\?/);
  assert.equal((await listRuns(runtime.store, 'testing', { task: 'echo', limit: 200 })).runs.length, before_);
});

test('CloudCode.run tells the attempt about itself', async () => {
  const run = await runtime.run('info', { queue: 'a queue' });
  const info = run.result as Record<string, unknown>;
  assert.deepEqual(info, {
    id: run.id,
    task: 'info',
    environment: 'testing',
    queue: 'a queue',
    attempt: 1,
    maxAttempts: 5,
    fence: run.attempts[0]?.fence,
    scheduledBy: null,
  });
});
