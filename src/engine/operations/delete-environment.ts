import { setTimeout as delay } from 'node:timers/promises';
import { CloudCodeError } from '../core/errors.ts';
import { counted } from '../core/counted.ts';
import { requestCancel } from '../store/change-runs.ts';
import {
  countEnvironment,
  deleteEnvironmentRows,
  deleteRecords,
  deleteRunsAtRest,
  deleteWaitingRuns,
  type EnvironmentCounts,
  forgetDeletedClaims,
  hasRemains,
  markDeleting,
  readRunningIds,
} from '../store/delete-environment.ts';
import { lockEnvironment } from '../store/environments.ts';
import type { Store } from '../store/open-store.ts';
import { deleteRemains } from '../store/prune-runs.ts';
import { retryConflicts } from '../store/retry.ts';
import { awaitEarlierReaders, pruneUnused } from './prune-deployments.ts';
import { findEnvironment } from './environments.ts';
import type { EnvironmentData, OnProgress } from './extension.ts';
import { inSlices } from './in-slices.ts';

/** What goes with an environment. */
export interface EnvironmentContents extends EnvironmentCounts {
  /** Of its data model; null when there are too many to count. */
  readonly objects: number | null;
}

export interface Deletion {
  /** What the extension keeps of environments; null where there is no extension. */
  readonly data: EnvironmentData | null;
  /** Ends the work after what is under way: asked again, it goes on. */
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

/** @throws CloudCodeError `environment_not_found` */
export async function describeEnvironment(
  store: Store,
  environment: string,
  data: EnvironmentData | null,
): Promise<EnvironmentContents> {
  const counts = await countEnvironment(store, await findEnvironment(store, environment));
  return { ...counts, objects: data === null ? 0 : await data.count(store, environment) };
}

const slices = { first: 500, largest: 5_000 };
const lookEveryMs = 200;

/**
 * Deletes an environment with all that belongs to it. From the beginning nothing is added to it; what runs is cancelled, and only when its processes are gone anything is deleted that it may still use.
 * Interrupted at any point and asked again, it goes on.
 * @returns what there was when this call began; null when the signal ended it
 * @throws CloudCodeError `environment_not_found`
 */
export async function deleteEnvironment(
  store: Store,
  environment: string,
  { data, signal, onProgress }: Deletion,
): Promise<EnvironmentContents | null> {
  const contents = await describeEnvironment(store, environment, data);
  const id = await findEnvironment(store, environment);
  await retryConflicts(() =>
    store.transaction(async (db) => {
      await lockEnvironment(db, environment);
      await markDeleting(db, id);
    }),
  );
  // Whoever took what was deployed for the current deployment, and adds a run of it, has ended.
  await awaitEarlierReaders(store);
  const within = { environment, id, signal, onProgress };
  const isStopped = (): boolean => signal.aborted;
  while (!isStopped()) {
    await endRuns(store, within);
    await deleteRuns(store, within);
    if (isStopped()) break;
    const finish = (): Promise<boolean> => deleteRest(store, environment, id);
    const isGone = await (data === null ? finish() : data.drop(store, { environment, onProgress }, finish));
    // Somebody has tried a finished run again meanwhile.
    if (!isGone) continue;
    await pruneUnused(store, signal);
    return contents;
  }
  return null;
}

interface Within {
  readonly environment: string;
  readonly id: number;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

/** Until no run waits and none is running. A run that was taken back meanwhile waits again, and is deleted then. */
async function endRuns(store: Store, { id, signal, onProgress }: Within): Promise<void> {
  const asked = new Set<string>();
  for (;;) {
    await inSlices(async (rows) => (await deleteWaitingRuns(store, id, rows)) > 0, { ...slices, stopping: signal });
    const running = await readRunningIds(store, id);
    if (running.length === 0 || signal.aborted) return;
    for (const runId of running.filter((each) => !asked.has(each))) {
      asked.add(runId);
      await requestCancel(store, runId);
    }
    onProgress(`waiting until the processes of ${counted(running.length, 'run')} are gone`);
    await delay(lookEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

async function deleteRuns(store: Store, { id, signal: stopping, onProgress }: Within): Promise<void> {
  onProgress('deleting runs');
  await inSlices(async (rows) => (await deleteRunsAtRest(store, id, rows)) > 0, { ...slices, stopping });
  onProgress('deleting attempts and log lines');
  while (!stopping.aborted && (await hasRemains(store))) {
    await inSlices(async (rows) => (await deleteRemains(store, rows)) > 0, { ...slices, stopping });
    // Another process may be at some of them.
    if (await hasRemains(store)) await delay(lookEveryMs, undefined, { signal: stopping }).catch(() => undefined);
  }
  await inSlices(async (rows) => (await deleteRecords(store, id, rows)) > 0, { ...slices, stopping });
}

/** @returns whether the environment is gone */
function deleteRest(store: Store, environment: string, id: number): Promise<boolean> {
  return retryConflicts(() =>
    store.transaction(async (db) => {
      // Another that was asked for the same may have been faster.
      if ((await lockEnvironment(db, environment))?.id !== id) return true;
      await forgetDeletedClaims(db);
      return deleteEnvironmentRows(db, id);
    }),
  );
}

/** @param confirm its name once more @throws CloudCodeError `not_confirmed` */
export function refuseUnconfirmed(environment: string, confirm: string): void {
  if (confirm === environment) return;
  throw new CloudCodeError(
    'not_confirmed',
    `To delete the environment \`${environment}\`, its name has to be given again; ${JSON.stringify(confirm.slice(0, 100))} is another. Nothing was deleted.`,
    { hint: `cloudcode environments delete ${environment} --confirm ${environment}` },
  );
}
