import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { run as check } from '../../../src/engine/fork-server/check-task.ts';
import { readStat } from '../../../src/engine/runner/containment/proc-files.ts';
import { startRuntime, type Runtime } from '../../support/runtime.ts';

let runtime: Runtime;
before(async () => {
  runtime = await startRuntime(
    { noop: 'export async function run() { return [process.pid, process.ppid]; }' },
    { workerStart: 'fork' },
  );
});
after(async () => {
  await runtime[Symbol.asyncDispose]();
});

test('a run is executed by a worker that the fork server forked', async () => {
  const run = await runtime.run('noop');
  assert.equal(run.state, 'succeeded', JSON.stringify(run));
  const [pid, ppid] = run.result as [number, number];
  assert.equal(pid, run.attempts[0]?.pid);
  assert.notEqual(ppid, process.pid);
  assert.equal(readStat(ppid)?.ppid, process.pid);
  assert.deepEqual(
    runtime.events.filter(({ kind }) => kind === 'trouble'),
    [],
  );
});

test('the task of the self-check tells the truth of a process that was not forked', async () => {
  const found = await check({});
  assert.deepEqual([found.pid, found.kernelPid, found.childPpid], [process.pid, process.pid, process.pid]);
  assert.equal(new Set(found.random).size, found.random.length);
});
