import { lockEnvironment } from '../store/environments.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import {
  awaitReadersOfTasks,
  deleteLeftUploads,
  deleteUnusedBundles,
  deleteUnusedContents,
  deleteUnusedTrees,
  lockBundles,
  type OldDeployments,
  pruneDeployments,
  readOldDeployments,
} from '../store/prune-deployments.ts';
import { retryConflicts } from '../store/retry.ts';
import { asExhausted } from '../store/store-error.ts';
import { inSlices } from './in-slices.ts';

/** Of an environment, the newest so many deployments stay whole. */
const keptDeployments = 10;

/**
 * Deletes what old deployments are made of, but for the newest ten, what attempts under way were begun with, and the newest with a task of which there are runs that can still be executed. Their rows stay.
 * @returns how many deployments
 */
export async function pruneOldDeployments(store: Store, stopping: AbortSignal): Promise<number> {
  let pruned = 0;
  for (const old of await readOldDeployments(store, keptDeployments)) {
    // They were replaced before they were read. After this no transaction is left that adds a run which needs one of them.
    await awaitEarlierReaders(store);
    pruned += await pruneEnvironment(store, old, stopping);
  }
  await pruneUnused(store, stopping);
  return pruned;
}

/** Waits until every transaction has ended that may take an earlier deployment of an environment for the current one. */
export function awaitEarlierReaders(store: Store): Promise<void> {
  return withLocks(store, awaitReadersOfTasks);
}

/** Deletes bundles, data models, packages and files that no deployment has. */
export async function pruneUnused(store: Store, stopping: AbortSignal): Promise<void> {
  for (const remove of [deleteUnusedBundles, deleteUnusedTrees, deleteUnusedContents]) {
    await inSlices(async (rows) => (await pruneLocked(store, (db) => remove(db, rows))) > 0, {
      first: 20,
      largest: 200,
      stopping,
    });
  }
  await inSlices(async (rows) => (await deleteLeftUploads(store, rows)) > 0, { first: 4, largest: 20, stopping });
}

async function pruneEnvironment(
  store: Store,
  { environment, ids }: OldDeployments,
  stopping: AbortSignal,
): Promise<number> {
  let pruned = 0;
  let done = 0;
  await inSlices(
    async (rows) => {
      const slice = ids.slice(done, done + rows);
      pruned += await store.transaction(async (db) => {
        const locked = await lockEnvironment(db, environment);
        return locked === null ? 0 : pruneDeployments(db, locked.id, { ids: slice, keep: keptDeployments });
      });
      done += slice.length;
      return done < ids.length;
    },
    { first: 20, largest: 200, stopping },
  );
  return pruned;
}

function pruneLocked(store: Store, remove: (db: Queryable) => Promise<number>): Promise<number> {
  return withLocks(store, async (db) => {
    await lockBundles(db);
    return remove(db);
  });
}

/** A lock that is not to be had soon is given up, so that nobody waits behind it, and tried again. @throws CloudCodeError `database_unreachable` when it is never to be had */
async function withLocks<Result>(store: Store, work: (db: Queryable) => Promise<Result>): Promise<Result> {
  try {
    return await retryConflicts(() => store.transaction(work));
  } catch (error) {
    throw asExhausted(error);
  }
}
