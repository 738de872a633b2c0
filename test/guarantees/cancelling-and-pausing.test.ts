import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { cancelRun } from '../../src/engine/operations/cancel-run.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { pauseQueue, resumeQueue } from '../../src/engine/operations/pause-queue.ts';
import { startRuntime, type Runtime, until } from '../support/runtime.ts';

const tasks: Record<string, string> = {
  echo: `export async function run(params: unknown) { return { params, at: Date.now(), by: CloudCode.run.scheduledBy }; }`,
  sleeps: `export async function run({ ms }: { ms: number }) { console.log('sleeping'); await new Promise((resolve) => setTimeout(resolve, ms)); return 'slept'; }`,
};

let runtime: Runtime;
before(async () => {
  runtime = await startRuntime(tasks, { concurrency: 6 });
});
after(async () => {
  await runtime[Symbol.asyncDispose]();
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

test('a paused queue starts nothing until it is resumed', async () => {
  await pauseQueue(runtime.store, 'testing', 'paused');
  const run = await runtime.schedule('echo', { queue: 'paused' });
  await runtime.run('echo');
  assert.equal((await getRun(runtime.store, 'testing', run.id)).state, 'queued');
  await resumeQueue(runtime.store, 'testing', 'paused');
  assert.equal((await runtime.ended(run, 5000)).state, 'succeeded');
});

test('a running attempt shows its pid', async () => {
  const run = await runtime.schedule('sleeps', { parameters: { ms: 60_000 } });
  const pid = await until(5000, 'the attempt has a pid', async () => {
    const [row] = await runtime.store.query<{ pid: number | null }>({
      name: '',
      text: `select pid from cloudcode.attempts where run_id = '${run.id}'`,
    });
    return row?.pid ?? null;
  });
  assert.match(readFileSync(`/proc/${pid}/environ`, 'latin1'), /CLOUDCODE_ATTEMPT=/);
  await cancelRun(runtime.store, 'testing', run.id);
  assert.equal((await runtime.ended(run, 5000)).state, 'cancelled');
});
