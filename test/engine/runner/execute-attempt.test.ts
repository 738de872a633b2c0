import assert from 'node:assert/strict';
import { existsSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openAnswers } from '../../../src/engine/runner/answer-calls.ts';
import { dataInProject } from '../../../src/data/source/project-extension.ts';
import { deployable } from '../../../src/main/deployable.ts';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { getRun } from '../../../src/engine/operations/get-run.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { buildProject } from '../../../src/project/build-project.ts';
import { openBundleCache } from '../../../src/engine/runner/bundle-cache.ts';
import { openContainment } from '../../../src/engine/runner/containment/open-containment.ts';
import type { RunnerEvent } from '../../../src/engine/runner/events.ts';
import { executeAttempt } from '../../../src/engine/runner/execute-attempt.ts';
import { openWorkerStarter } from '../../../src/engine/runner/start-worker.ts';
import { needOf } from '../../../src/engine/runner/worker-need.ts';
import { openEndWriter } from '../../../src/engine/runner/write-ends.ts';
import { writeProject } from '../../support/runtime.ts';
import { alterRuns, testStore } from '../../support/store.ts';

for (const holdsLease of [false, true]) {
  test(
    `promise 1: a worker ${holdsLease ? 'is' : 'is not'} given its run by a runner whose lease ${holdsLease ? 'lasts' : 'was over before it could start it'}`,
    { timeout: 60_000 },
    async () => {
      await using t = await testStore();
      const folder = writeProject({
        leaves_a_trace:
          "import { writeFileSync } from 'node:fs';\nexport async function run() { writeFileSync('trace', ''); }",
      });
      await deployProject(t.store, 'testing', deployable(await buildProject(folder, { extension: dataInProject })));
      const { id } = await scheduleRun(t.store, 'testing', { task: 'leaves_a_trace' });
      const [run] = await t.claim();
      assert.ok(run !== undefined);
      const containment = await openContainment({ runnerId: t.runnerId });
      const starter = openWorkerStarter({
        runnerId: t.runnerId,
        containment,
        folder,
        workerStart: 'spawn',
        holdsLease: () => holdsLease,
        onChange: () => undefined,
        onTrouble: () => undefined,
      });
      try {
        const worker = starter.start(starter.kindFor(needOf(run)));
        await worker.ready;
        const events: RunnerEvent[] = [];
        const files = await openBundleCache(t.store, join(folder, '.cloudcode', 'bundles')).files(
          run.bundleHash,
          run.bundleFormat,
        );
        await executeAttempt(
          run,
          worker,
          { files, state: null, deployed: null },
          {
            store: t.store,
            callStore: t.store,
            answerCalls: openAnswers(null),
            extension: null,
            writeEnd: openEndWriter(t.store),
            onEvent: (event) => events.push(event),
            folder,
            holdsLease: () => holdsLease,
            abandon: new AbortController().signal,
          },
        ).done;
        assert.equal(existsSync(join(folder, 'trace')), holdsLease);
        assert.deepEqual(
          events.map(({ kind }) => kind),
          holdsLease ? ['attempt_started', 'attempt_ended'] : ['attempt_ended'],
        );
        const { state, attempts } = await getRun(t.store, 'testing', id);
        assert.deepEqual(
          [state, attempts.map(({ outcome }) => outcome)],
          holdsLease ? ['succeeded', ['returned']] : ['scheduled', ['lost']],
        );
        assert.equal(worker.hasExited, true);
      } finally {
        await starter.close();
        containment.close();
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
}

for (const [format, code] of [
  ['cjs', 'export async function run() { return 1; }'],
  ['esm', 'await null;\nexport async function run() { return 1; }'],
] as const) {
  for (const how of ['removed', 'made unreadable'] as const) {
    test(
      `promise 4: a bundle (${format}) that was ${how} under a worker that has its run is no answer, costs no attempt, and is written again`,
      { timeout: 60_000 },
      async () => {
        await using t = await testStore();
        const folder = writeProject({ quick: code });
        await deployProject(t.store, 'testing', deployable(await buildProject(folder, { extension: dataInProject })));
        const { id } = await scheduleRun(t.store, 'testing', { task: 'quick' });
        const containment = await openContainment({ runnerId: t.runnerId });
        const starter = openWorkerStarter({
          runnerId: t.runnerId,
          containment,
          folder,
          workerStart: 'spawn',
          holdsLease: () => true,
          onChange: () => undefined,
          onTrouble: () => undefined,
        });
        const bundles = openBundleCache(t.store, join(folder, '.cloudcode', 'bundles'));
        const attempt = async (harm: (path: string) => void): Promise<string | null> => {
          const [run] = await t.claim();
          assert.ok(run !== undefined);
          assert.equal(run.bundleFormat, format);
          const worker = starter.start(starter.kindFor(needOf(run)));
          await worker.ready;
          const files = await bundles.files(run.bundleHash, run.bundleFormat);
          harm(files.path);
          const attempted = executeAttempt(
            run,
            worker,
            { files, state: null, deployed: null },
            {
              store: t.store,
              callStore: t.store,
              answerCalls: openAnswers(null),
              extension: null,
              writeEnd: openEndWriter(t.store),
              onEvent: () => undefined,
              folder,
              holdsLease: () => true,
              abandon: new AbortController().signal,
            },
          );
          await attempted.done;
          return attempted.fault;
        };
        try {
          const fault = await attempt((path) => {
            rmSync(path);
            if (how === 'made unreadable') symlinkSync(path, path);
          });
          assert.match(fault ?? '', how === 'removed' ? /ENOENT/ : /ELOOP/);
          const after = await getRun(t.store, 'testing', id);
          assert.deepEqual([after.state, after.attempts.map(({ outcome }) => outcome)], ['scheduled', ['lost']]);
          await alterRuns(t.store, "update cloudcode.runs set retry_at = now() where state = 'queued'");
          assert.equal(await attempt(() => undefined), null);
          const { state, result } = await getRun(t.store, 'testing', id);
          assert.deepEqual([state, result], ['succeeded', 1]);
          const [row] = await t.store.query<{ left: number; max: number }>({
            name: '',
            text: 'select attempt_limit - attempt_count as left, max_attempts as max from cloudcode.runs',
          });
          assert.equal(row?.left, (row?.max ?? 0) - 1);
        } finally {
          await starter.close();
          containment.close();
          rmSync(folder, { recursive: true, force: true });
        }
      },
    );
  }
}
