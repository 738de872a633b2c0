import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isAlive, listPids, readEnviron, readStat } from '../../src/engine/runner/containment/proc-files.ts';
import { startRuntime, type Runtime } from '../support/runtime.ts';

const tasks: Record<string, string> = {
  grandchildren: `import { spawn } from 'node:child_process';
    export async function run() {
      const child = spawn('sh', ['-c', 'sleep 300 & setsid sleep 300 & echo started; wait'], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
      await new Promise((resolve) => child.stdout.once('data', resolve));
      return child.pid;
    }`,
  remembers: `const all = globalThis as { seen?: number };\nexport async function run() { all.seen = (all.seen ?? 0) + 1; return { seen: all.seen }; }`,
};

let runtime: Runtime;
before(async () => {
  runtime = await startRuntime(tasks, { concurrency: 6 });
});
after(async () => {
  await runtime[Symbol.asyncDispose]();
});

test('promise 5: when the attempt has ended, every process it left behind is gone', async () => {
  const run = await runtime.run('grandchildren');
  assert.equal(run.state, 'succeeded');
  const attempt = run.attempts[0];
  assert.ok(
    !isAlive(readStat(Number(run.result))),
    'the child is gone (a zombie that nobody has reaped yet runs no code)',
  );
  const others = listPids().filter(
    (pid) =>
      isAlive(readStat(pid)) &&
      (readEnviron(pid) ?? '').includes(`CLOUDCODE_RUNNER=${runtime.runner.id}`) &&
      !isOwn(pid),
  );
  assert.deepEqual(others, [], `processes of attempt ${attempt?.number ?? 0} live on`);
});

test('promise 5: every attempt starts in a process that has run nothing before', async () => {
  const runs = await Promise.all(Array.from({ length: 8 }, () => runtime.run('remembers')));
  assert.deepEqual(
    runs.map((run) => (run.result as { seen: number }).seen),
    Array.from({ length: 8 }, () => 1),
  );
  assert.equal(new Set(runs.map((run) => run.attempts[0]?.pid)).size, 8);
});

/** A waiting worker, or the fork server with those that it has forked. */
function isOwn(pid: number): boolean {
  const parent = readStat(pid)?.ppid ?? 0;
  return parent === process.pid || (runtime.isForking && readStat(parent)?.ppid === process.pid);
}
