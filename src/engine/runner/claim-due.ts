import { type ClaimedRun, claimRuns } from '../store/claim-runs.ts';
import type { AddAndClaim, Queryable, Store } from '../store/open-store.ts';

export interface Claimer {
  /** How many more runs may be claimed: none of the rooms that claims under way may fill. */
  room(): number;
  /** Claims up to `limit` due runs and hands each to `onClaimed` at once. @returns how many */
  claim(limit: number): Promise<number>;
  /** A claim that goes in the transaction by which a run is added: one write to disk for both. It fails where a lock is not to be had at once. Null when there is no room. */
  along(): AddAndClaim | null;
  /** A number that changes whenever a claim begins, or null while one is under way. */
  stillness(): number | null;
  /** Resolves when none is under way; `along` begins no other. */
  close(): Promise<void>;
}

export interface ClaimerOptions {
  readonly store: Store;
  readonly runnerId: string;
  /** How many more runs the runner can hold. */
  readonly free: () => number;
  readonly onClaimed: (run: ClaimedRun) => void;
  /** A claim left a room empty that was kept for it. */
  readonly onRoom: () => void;
}

/** A room is kept meanwhile: whoever holds the lock of a queue, or of a key, must not keep it from the runs of others. */
const waitBriefly = { name: 'wait_briefly', text: "set local lock_timeout = '25ms'" };

/** Claims in all environments, in turn: one that has much to do holds up no other. */
export function openClaimer({ store, runnerId, free, onClaimed, onRoom }: ClaimerOptions): Claimer {
  let after = 0;
  let begun = 0;
  let promised = 0;
  let closed = false;
  const underWay = new Set<Promise<unknown>>();

  const claimOn = (db: Queryable, limit: number): Promise<readonly ClaimedRun[]> =>
    claimRuns(db, { runnerId, limit, after });
  const receive = (runs: readonly ClaimedRun[]): void => {
    after = runs.at(-1)?.environmentId ?? after;
    for (const run of runs) onClaimed(run);
  };
  /** Keeps so many rooms for what `claim` brings. */
  const keepRoom = async <Result>(limit: number, claim: () => Promise<Result>): Promise<Result> => {
    begun += 1;
    promised += limit;
    const claiming = claim();
    underWay.add(claiming);
    try {
      return await claiming;
    } finally {
      underWay.delete(claiming);
      promised -= limit;
    }
  };
  const room = (): number => free() - promised;
  const addAndClaim: AddAndClaim = async (on, add) => {
    const { result, runs } = await keepRoom(1, async () => {
      const [, result, runs] = await on.atOnce((db) => Promise.all([db.query(waitBriefly), add(db), claimOn(db, 1)]));
      receive(runs);
      return { result, runs };
    }).catch((error: unknown) => {
      onRoom();
      throw error;
    });
    if (runs.length === 0) onRoom();
    return { result, claimed: runs.map(({ id }) => id) };
  };
  return {
    room,
    claim: (limit) =>
      keepRoom(limit, async () => {
        const runs = await claimOn(store, limit);
        receive(runs);
        return runs.length;
      }),
    along: () => (closed || room() <= 0 ? null : addAndClaim),
    stillness: () => (underWay.size === 0 ? begun : null),
    async close() {
      closed = true;
      await Promise.allSettled(underWay);
    },
  };
}
