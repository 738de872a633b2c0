import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { newId as newRunId } from '../../src/engine/protocol/new-id.ts';
import { openFolderStore } from '../../src/main/open-store.ts';
import { dataTarget } from '../../src/data/statements/target.ts';
import { deployProject } from '../../src/engine/operations/deploy-project.ts';
import { type CallingAttempt, scheduleRun, scheduleRunByAttempt } from '../../src/engine/operations/schedule-run.ts';
import { writeData } from '../../test/support/write-data.ts';
import type { ScheduledRun } from '../../src/engine/core/schedule-request.ts';
import { claimRuns } from '../../src/engine/store/claim-runs.ts';
import { openStore, type Store } from '../../src/engine/store/open-store.ts';
import { takeLease } from '../../src/engine/store/runners.ts';
import type { Contender } from './contender.ts';
import { drainRuns } from './drain-runs.ts';
import { clearRuns } from './fill.ts';
import type { Database } from './server.ts';

const environment = 'testing';

export interface CloudCode extends Contender {
  readonly store: Store;
  /** Whose lease claims are made with. */
  readonly runnerId: string;
  /** As HTTP and the CLI do it. The others schedule as a task does, by the operations that its runner calls. */
  scheduleFromOutside(): Promise<void>;
}

export interface CloudCodeOptions {
  readonly database: Database;
  readonly name?: string;
  /** What is in the store stays there: `clear` removes nothing. */
  readonly keep?: boolean;
  /** Its runs are due before any other: they are claimed first, whatever waits. */
  readonly first?: boolean;
}

export async function openCloudCode({
  database,
  name = 'cloudcode',
  keep = false,
  first = false,
}: CloudCodeOptions): Promise<CloudCode> {
  // Migrates, and makes the environment.
  const { close } = await openFolderStore({ folder: '', databaseUrl: database.url });
  const store = await openStore({ url: database.url });
  const runnerId = randomUUID();
  const task = { config: {}, code: 'exports.run = async () => {};', sourceMap: '', format: 'cjs' } as const;
  await deployProject(store, environment, {
    folder: '/',
    tasks: [
      { name: 'noop', ...task },
      { name: 'caller', ...task },
    ],
    config: {},
  });
  await takeLease(store, {
    id: runnerId,
    host: hostname(),
    pid: process.pid,
    processIdentity: null,
    leaseMs: 86_400_000,
  });
  let caller = await startCaller(store, runnerId);
  const toSchedule = (queue: string | null): ScheduledRun => ({
    id: newRunId(),
    task: 'noop',
    parametersJson: '{}',
    queue,
    key: null,
    at: first ? '2000-01-01T00:00:00.000Z' : null,
    afterMs: null,
  });
  return {
    name,
    store,
    runnerId,
    settle: database.settle,
    async clear() {
      if (keep) return;
      await database.query(clearRuns);
      caller = await startCaller(store, runnerId);
    },
    async scheduleOne(queue) {
      await scheduleRunByAttempt(store, caller, { run: toSchedule(queue), mayBeClaimed: false });
    },
    async scheduleFromOutside() {
      await scheduleRun(store, environment, { task: 'noop', ...(first ? { at: new Date(Date.UTC(2000, 0)) } : {}) });
    },
    async scheduleMany(queues) {
      const operations = [{ do: 'schedule', runs: queues.map(toSchedule) }] as const;
      await writeData(
        store,
        { caller, target: dataTarget(environment, null) },
        { id: randomUUID(), parts: partsOf(operations) },
      );
    },
    // What is kept has to be done to its end, so that the next measurement finds the same.
    drain: (count, withinMs) => drainRuns(store, runnerId, { count, withinMs: keep ? Infinity : withinMs }),
    async [Symbol.asyncDispose]() {
      await store.close();
      await close();
    },
  };
}

async function* partsOf<Part>(part: Part): AsyncGenerator<Part> {
  yield part;
}

/** A run that is under way for as long as the store is measured: it calls scheduleTask. */
async function startCaller(store: Store, runnerId: string): Promise<CallingAttempt> {
  const { id } = await scheduleRun(store, environment, { task: 'caller', at: new Date(Date.UTC(1999, 0)) });
  const claimed = await claimRuns(store, { runnerId, limit: 1, after: 0 });
  const run = claimed.find((each) => each.id === id);
  if (run === undefined) throw new Error('The calling run could not be claimed.');
  return { runId: run.id, fence: run.fence, environment };
}
