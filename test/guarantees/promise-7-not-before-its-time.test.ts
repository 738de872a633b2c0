import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cancelRun } from '../../src/engine/operations/cancel-run.ts';
import { startRuntime, type Runtime } from '../support/runtime.ts';

const tasks: Record<string, string> = {
  echo: `export async function run(params: unknown) { return { params, at: Date.now(), by: CloudCode.run.scheduledBy }; }`,
};

let runtime: Runtime;
before(async () => {
  runtime = await startRuntime(tasks, { concurrency: 6 });
});
after(async () => {
  await runtime[Symbol.asyncDispose]();
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
