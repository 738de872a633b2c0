import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { listRuns } from '../../src/engine/operations/list-runs.ts';
import { pauseQueue, resumeQueue } from '../../src/engine/operations/pause-queue.ts';
import { startRuntime, type Runtime, until } from '../support/runtime.ts';

const tasks: Record<string, string> = {
  notes: `import { appendFileSync } from 'node:fs';
    export async function run({ n, file }: { n: number; file: string }) {
      appendFileSync(file, n + '\\n');
      if (n === 2 && CloudCode.run.attempt === 1) process.exit(1);
    }`,
};

let runtime: Runtime;
before(async () => {
  runtime = await startRuntime(tasks, { concurrency: 6 });
});
after(async () => {
  await runtime[Symbol.asyncDispose]();
});

test('promise 8: runs of a queue start by due time, then in the order of scheduling; a retried one keeps its place', async () => {
  await pauseQueue(runtime.store, 'testing', 'line');
  const due = Date.now();
  const file = join(runtime.folder, 'order');
  const schedule = (n: number, at: number): Promise<unknown> =>
    runtime.schedule('notes', { parameters: { n, file }, queue: 'line', at: new Date(at) });
  for (const [n, at] of [
    [3, due],
    [4, due],
    [1, due - 2000],
    [5, due],
    [2, due - 1000],
  ] as const)
    await schedule(n, at);
  await resumeQueue(runtime.store, 'testing', 'line');
  await until(20_000, 'all have run', async () =>
    (await listRuns(runtime.store, 'testing', { queue: 'line', state: 'succeeded' })).runs.length === 5 ? true : null,
  );
  assert.deepEqual(readFileSync(file, 'utf8').trim().split('\n').map(Number), [1, 2, 2, 3, 4, 5]);
});
