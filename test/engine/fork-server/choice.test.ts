import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRuntime } from '../../support/runtime.ts';

const run = 'export async function run() { return process.ppid; }';
const threads = "import { isMainThread } from 'node:worker_threads';\nexport const main = isMainThread;\n";
const tasks = {
  plain: run,
  spawns: `${run} export const config = { workerStart: 'spawn' };`,
  needs: `${threads}${run}`,
  forks: `${threads}${run} export const config = { workerStart: 'fork' };`,
};

async function parentsOf(workerStart: 'spawn' | 'fork') {
  await using runtime = await startRuntime(tasks, { workerStart });
  const ended = await Promise.all(Object.keys(tasks).map(async (name) => [name, await runtime.run(name)] as const));
  assert.deepEqual(
    ended.map(([name, { state, attempts }]) => [name, state, attempts.map(({ outcome, error }) => error ?? outcome)]),
    ended.map(([name]) => [name, 'succeeded', ['returned']]),
  );
  return {
    isForking: runtime.isForking,
    isForked: Object.fromEntries(ended.map(([name, { result }]) => [name, result !== process.pid])),
  };
}

test('where workers are forked, a task is spawned that says so, or that needs it and does not say otherwise', async () => {
  const { isForked } = await parentsOf('fork');
  assert.deepEqual(isForked, { plain: true, spawns: false, needs: false, forks: true });
});

test('where workers are spawned, a task that would be forked is spawned', async () => {
  const { isForking, isForked } = await parentsOf('spawn');
  // CLOUDCODE_WORKER_START decides before the test does.
  assert.deepEqual(isForked, { plain: isForking, spawns: false, needs: false, forks: isForking });
});
