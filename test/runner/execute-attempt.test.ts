import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deployProject } from '../../src/operations/deploy-project.ts';
import { getRun } from '../../src/operations/get-run.ts';
import { scheduleRun } from '../../src/operations/schedule-run.ts';
import { buildProject } from '../../src/project/build-project.ts';
import { openBundleCache } from '../../src/runner/bundle-cache.ts';
import { openContainment } from '../../src/runner/containment/open-containment.ts';
import type { RunnerEvent } from '../../src/runner/events.ts';
import { executeAttempt } from '../../src/runner/execute-attempt.ts';
import { openWorkerStarter } from '../../src/runner/start-worker.ts';
import { openEndWriter } from '../../src/runner/write-ends.ts';
import { writeProject } from '../support/runtime.ts';
import { testStore } from '../support/store.ts';

for (const holdsLease of [false, true]) {
  test(`promise 1: a worker ${holdsLease ? 'is' : 'is not'} given its run by a runner whose lease ${holdsLease ? 'lasts' : 'was over before it could start it'}`, { timeout: 60_000 }, async () => {
    await using t = await testStore();
    const folder = writeProject({ leaves_a_trace: "import { writeFileSync } from 'node:fs';\nexport async function run() { writeFileSync('trace', ''); }" });
    await deployProject(t.store, 'testing', await buildProject(folder));
    const { id } = await scheduleRun(t.store, 'testing', { task: 'leaves_a_trace' });
    const [run] = await t.claim();
    assert.ok(run !== undefined);
    const containment = await openContainment({ runnerId: t.runnerId });
    const starter = openWorkerStarter({ runnerId: t.runnerId, containment, folder, workerStart: 'spawn', holdsLease: () => holdsLease, onChange: () => undefined, onTrouble: () => undefined });
    try {
      const worker = starter.start(starter.kindFor(run));
      await worker.ready;
      const events: RunnerEvent[] = [];
      const files = await openBundleCache(t.store, join(folder, '.cloudcode', 'bundles')).files(run.bundleHash, run.bundleFormat);
      await executeAttempt(run, worker, { files, dataModel: null }, {
        store: t.store, callStore: t.store, writeEnd: openEndWriter(t.store), onEvent: (event) => events.push(event), folder, holdsLease: () => holdsLease, abandon: new AbortController().signal,
      }).done;
      assert.equal(existsSync(join(folder, 'trace')), holdsLease);
      assert.deepEqual(events.map(({ kind }) => kind), holdsLease ? ['attempt_started', 'attempt_ended'] : ['attempt_ended']);
      const { state, attempts } = await getRun(t.store, 'testing', id);
      assert.deepEqual([state, attempts.map(({ outcome }) => outcome)], holdsLease ? ['succeeded', ['returned']] : ['scheduled', ['lost']]);
      assert.equal(worker.hasExited, true);
    } finally {
      await starter.close();
      containment.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
