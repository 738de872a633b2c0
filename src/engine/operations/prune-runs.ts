import { deleteAbandonedBatches } from '../store/batches.ts';
import type { Store } from '../store/open-store.ts';
import { deleteFinishedRuns, deleteRemains, readPrunable } from '../store/prune-runs.ts';
import { listFinishedRuns } from './list-finished-runs.ts';
import { inSlices } from './in-slices.ts';

/** Prunes the finished runs that are older, or more, than their environment keeps, and then their attempts and log lines; before that, the batches that nobody sends again. @returns how many runs */
export async function pruneRuns(store: Store, stopping: AbortSignal): Promise<number> {
  let pruned = 0;
  // Those of a run that is deleted would go with it, in one statement.
  await inSlices(async (rows) => (await deleteAbandonedBatches(store, rows)) === rows, {
    first: 1_000,
    largest: 10_000,
    stopping,
  });
  // One that is not listed is not pruned: it might be listed later.
  await listFinishedRuns(store, stopping);
  for (const prunable of await readPrunable(store)) {
    await inSlices(
      async (rows) => {
        const { deleted, isMore } = await deleteFinishedRuns(store, prunable, rows);
        pruned += deleted;
        return isMore;
      },
      { first: 100, largest: 1_000, stopping },
    );
  }
  await inSlices(async (rows) => (await deleteRemains(store, rows)) > 0, { first: 1_000, largest: 10_000, stopping });
  return pruned;
}
