import { setTimeout as delay } from 'node:timers/promises';
import type { Store } from '../store/open-store.ts';
import { deleteFinishedRuns, readPrunable } from '../store/prune-runs.ts';

/** A slice is over in some milliseconds, and what waits for the database goes between two of them. */
const slice = 500;
const pauseMs = 20;

/** Forgets the finished runs that are older, or more, than their environment keeps. @returns how many */
export async function pruneRuns(store: Store, stopping: AbortSignal): Promise<number> {
  let pruned = 0;
  for (const environment of await readPrunable(store)) {
    for (let deleted = slice; deleted === slice && !stopping.aborted; pruned += deleted) {
      deleted = await deleteFinishedRuns(store, environment, slice);
      await delay(pauseMs);
    }
  }
  return pruned;
}
