import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rebuildStore } from '../../src/engine/operations/check-store.ts';
import { deployProject } from '../../src/engine/operations/deploy-project.ts';
import { finishAttempt } from '../../src/engine/operations/finish-attempt.ts';
import { ProcessesGone } from '../../src/engine/core/processes-gone.ts';
import type { Outcome } from '../../src/engine/core/run.ts';
import { checkStore } from '../../src/engine/store/check-store.ts';
import { type ClaimedRun, claimRuns } from '../../src/engine/store/claim-runs.ts';
import { migrate } from '../../src/engine/store/migrate.ts';
import { openStore, type Store } from '../../src/engine/store/open-store.ts';
import { readEnvironmentId } from '../../src/engine/store/read-runs.ts';
import { takeLease } from '../../src/engine/store/runners.ts';
import { migratedDatabase, type TestDatabase } from './postgres.ts';

export interface TestStore extends AsyncDisposable {
  readonly store: Store;
  readonly environmentId: number;
  readonly runnerId: string;
  claim(limit?: number): Promise<readonly ClaimedRun[]>;
  finish(run: ClaimedRun, outcome: Outcome): Promise<string>;
}

export const noopTask = {
  name: 'noop',
  config: {},
  code: 'exports.run = async () => 1',
  sourceMap: '{}',
  format: 'cjs',
} as const;

/** A migrated store on a fresh database, or a given one that is empty, with the tasks `noop` and `other` deployed to `testing`, and one runner. */
export async function testStore(
  queues: Record<string, { onRetry: 'wait' | 'skip' }> = {},
  given?: Pick<TestDatabase, 'url'>,
): Promise<TestStore> {
  const database = given === undefined ? await migratedDatabase() : { ...given, dispose: () => Promise.resolve() };
  const store = await openStore({ url: database.url });
  if (given !== undefined) await migrate(store);
  await deployProject(store, 'testing', {
    folder: '/nowhere',
    tasks: [noopTask, { ...noopTask, name: 'other' }],
    config: { queues },
  });
  const environmentId = (await readEnvironmentId(store, 'testing')) ?? 0;
  const runnerId = randomUUID();
  await takeLease(store, { id: runnerId, host: 'test', pid: 1, processIdentity: null, leaseMs: 600_000 });
  return {
    store,
    environmentId,
    runnerId,
    claim: (limit = 100) => claimRuns(store, { runnerId, limit, after: 0 }),
    finish: (run, outcome) => finishAttempt(store, endOf(run, outcome)),
    async [Symbol.asyncDispose]() {
      const wrong = await checkStore(store).catch(() => []);
      await store.close();
      await database.dispose();
      assert.deepEqual(wrong, [], 'what is derived from the runs is as they are');
    },
  };
}

/** Changes runs behind the back of the store, and makes what is derived from them anew. */
export async function alterRuns(store: Store, text: string): Promise<void> {
  await store.query({ name: '', text });
  await rebuildStore(store);
}

export function endOf(run: ClaimedRun, outcome: Outcome): Parameters<typeof finishAttempt>[1] {
  return {
    gone: ProcessesGone.because('ended'),
    runId: run.id,
    task: run.task,
    fence: run.fence,
    number: run.attempt,
    attemptLimit: run.attemptLimit,
    outcome,
    cancelRequested: false,
    resultJson: outcome === 'returned' ? '1' : null,
    error: null,
    exitCode: 0,
    signal: null,
    pid: 1,
    peakMemoryBytes: 1,
    lines: [],
  };
}
