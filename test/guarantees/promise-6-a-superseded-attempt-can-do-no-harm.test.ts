import { ProcessesGone } from '../../src/engine/core/processes-gone.ts';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { finishAttempt } from '../../src/engine/operations/finish-attempt.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { listRuns } from '../../src/engine/operations/list-runs.ts';
import { startRuntime, type Runtime, until } from '../support/runtime.ts';

const tasks: Record<string, string> = {
  noted: `export async function run() {}`,
  lingers: `import { existsSync } from 'node:fs';
    export async function run({ go }: { go: string }) {
      const { attempt } = CloudCode.run;
      console.log('attempt ' + attempt + ' waits');
      while (!existsSync(go)) await new Promise((resolve) => setTimeout(resolve, 20));
      console.log('attempt ' + attempt + ' went on');
      await CloudCode.scheduleTask({ task: 'noted', parameters: { by: attempt } });
      return 'attempt ' + attempt;
    }`,
};

let runtime: Runtime;
before(async () => {
  runtime = await startRuntime(tasks, { concurrency: 6 });
});
after(async () => {
  await runtime[Symbol.asyncDispose]();
});

test('promise 6: what a superseded attempt still sends is refused: its schedule calls, its lines and its answer', async () => {
  const go = join(runtime.folder, 'go');
  const run = await runtime.schedule('lingers', { parameters: { go } });
  await runtime.printed(run, 'attempt 1 waits');
  const [held] = await runtime.store.query<{ fence: string }>({
    name: '',
    text: `select fence::text as fence from cloudcode.runs where id = '${run.id}'`,
  });
  const pid = (await getRun(runtime.store, 'testing', run.id)).attempts[0]?.pid;
  assert.ok(held !== undefined && pid !== null && pid !== undefined);
  process.kill(pid, 'SIGSTOP');
  // What another runner does when the lease of the first has run out.
  const lost = {
    gone: ProcessesGone.because('lease_over'),
    runId: run.id,
    fence: held.fence,
    number: 1,
    attemptLimit: 5,
    outcome: 'lost',
    cancelRequested: false,
    resultJson: null,
    error: null,
    exitCode: null,
    signal: null,
    pid: null,
    peakMemoryBytes: null,
    lines: [],
  } as const;
  assert.equal(await finishAttempt(runtime.store, lost), 'scheduled');
  await runtime.printed(run, 'attempt 2 waits');
  process.kill(pid, 'SIGCONT');
  writeFileSync(go, '');
  const ended = await runtime.ended(run);
  assert.equal(ended.result, 'attempt 2');
  assert.deepEqual(
    ended.attempts.map((attempt) => attempt.outcome),
    ['lost', 'returned'],
  );
  await until(5000, 'the superseded attempt has ended too', () =>
    runtime.events.filter((event) => event.kind === 'attempt_ended' && event.runId === run.id).length === 2
      ? true
      : null,
  );
  assert.deepEqual(
    (await runtime.messages(run)).filter((line) => line.includes('went on')),
    ['attempt 2 went on'],
  );
  const { runs } = await listRuns(runtime.store, 'testing', { task: 'noted' });
  assert.deepEqual(
    runs.map((each) => each.parameters),
    [{ by: 2 }],
  );
  assert.ok(
    runtime.events.some(
      (event) => event.kind === 'attempt_ended' && event.runId === run.id && event.next === 'superseded',
    ),
  );
});
