import { type ClaimedRun, claimRuns, readEnvironmentIds } from '../store/claim-runs.ts';
import type { Store } from '../store/open-store.ts';

export interface Claimer {
  /** Claims up to `limit` due runs and hands each to `onClaimed` at once. @returns how many */
  claim(limit: number): Promise<number>;
  /** A number that changes whenever a claim begins, or null while one is under way. */
  stillness(): number | null;
}

/** Claims in all environments; which ones there are is asked again only when those that are known had nothing more to give. */
export function openClaimer(store: Store, runnerId: string, onClaimed: (run: ClaimedRun) => void): Claimer {
  let environmentIds: readonly number[] = [];
  let begun = 0;
  let underWay = 0;

  const claimIn = async (ids: readonly number[], limit: number): Promise<number> => {
    let count = 0;
    for (const environmentId of ids) {
      if (count === limit) break;
      const claimed = await claimRuns(store, { environmentId, runnerId, limit: limit - count });
      count += claimed.length;
      for (const run of claimed) onClaimed(run);
    }
    return count;
  };
  const claimAnywhere = async (limit: number): Promise<number> => {
    const count = await claimIn(environmentIds, limit);
    if (count > 0) return count;
    const known = environmentIds;
    environmentIds = await readEnvironmentIds(store);
    return claimIn(environmentIds.filter((id) => !known.includes(id)), limit);
  };
  return {
    async claim(limit) {
      begun += 1;
      underWay += 1;
      try {
        return await claimAnywhere(limit);
      } finally {
        underWay -= 1;
      }
    },
    stillness: () => (underWay === 0 ? begun : null),
  };
}
