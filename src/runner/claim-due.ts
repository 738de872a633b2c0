import { type ClaimedRun, claimRuns } from '../store/claim-runs.ts';
import type { Store } from '../store/open-store.ts';

export interface Claimer {
  /** Claims up to `limit` due runs and hands each to `onClaimed` at once. @returns how many */
  claim(limit: number): Promise<number>;
  /** A number that changes whenever a claim begins, or null while one is under way. */
  stillness(): number | null;
}

/** Claims in all environments, in turn: one that has much to do holds up no other. */
export function openClaimer(store: Store, runnerId: string, onClaimed: (run: ClaimedRun) => void): Claimer {
  let after = 0;
  let begun = 0;
  let underWay = 0;
  return {
    async claim(limit) {
      begun += 1;
      underWay += 1;
      try {
        const claimed = await claimRuns(store, { runnerId, limit, after });
        after = claimed.at(-1)?.environmentId ?? after;
        for (const run of claimed) onClaimed(run);
        return claimed.length;
      } finally {
        underWay -= 1;
      }
    },
    stillness: () => (underWay === 0 ? begun : null),
  };
}
