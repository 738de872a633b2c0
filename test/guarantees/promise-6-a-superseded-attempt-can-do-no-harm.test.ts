import { ProcessesGone } from '../../src/engine/core/processes-gone.ts';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { finishAttempt } from '../../src/engine/operations/finish-attempt.ts';
import type { Run } from '../../src/engine/core/run.ts';
import type { Statement } from '../../src/engine/store/open-store.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { listRuns } from '../../src/engine/operations/list-runs.ts';
import { startRuntime, type Runtime, until } from '../support/runtime.ts';

const tasks: Record<string, string> = {
  noted: `export async function run() {}`,
  lingers: `import { existsSync } from 'node:fs';
    export async function run({ go, ownGo = go }: { go: string; ownGo?: string }) {
      const { attempt } = CloudCode.run;
      console.log('attempt ' + attempt + ' waits');
      while (!existsSync(attempt === 1 ? go : ownGo)) await new Promise((resolve) => setTimeout(resolve, 20));
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

/** The first attempt of a run is stopped, and superseded by a second one of the same runner. */
async function supersede(parameters: {
  readonly go: string;
  readonly ownGo?: string;
}): Promise<{ readonly run: Run; readonly pid: number }> {
  const run = await runtime.schedule('lingers', { parameters });
  await runtime.printed(run, 'attempt 1 waits');
  const [held] = await runtime.store.query<{ fence: string }>({
    name: '',
    text: `select fence::text as fence from cloudcode.runs where id = '${run.id}'`,
  });
  const { pid = null } = (await getRun(runtime.store, 'testing', run.id)).attempts[0] ?? {};
  assert.ok(held !== undefined && pid !== null);
  process.kill(pid, 'SIGSTOP');
  // What another runner does when the lease of the first has run out.
  const lost = {
    gone: ProcessesGone.because('lease_over'),
    runId: run.id,
    task: run.task,
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
  return { run, pid };
}

test('promise 6: what a superseded attempt still sends is refused: its schedule calls, its lines and its answer', async () => {
  const go = join(runtime.folder, 'go');
  const { run, pid } = await supersede({ go });
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

test('promise 1: an attempt is not taken for one that never started because an earlier one of its run has ended in the same runner', async () => {
  let looks = 0;
  const { query } = runtime.store;
  Object.assign(runtime.store, {
    query: (statement: Statement) => {
      if (statement.name === 'held_attempts') looks += 1;
      return query(statement);
    },
  });
  const [go, ownGo] = [join(runtime.folder, 'first'), join(runtime.folder, 'second')];
  const { run, pid } = await supersede({ go, ownGo });
  process.kill(pid, 'SIGCONT');
  writeFileSync(go, '');
  await until(
    20_000,
    'the superseded attempt has ended',
    () => runtime.events.some((event) => event.kind === 'attempt_ended' && event.runId === run.id) || null,
  );
  const before = looks;
  await until(20_000, 'the runner looks at what it holds', () => looks >= before + 2 || null);
  writeFileSync(ownGo, '');
  assert.equal((await runtime.ended(run)).result, 'attempt 2');
});
