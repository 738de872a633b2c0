import type { Claiming, ClaimOnInsert } from '../operations/schedule-run.ts';
import { readWrongFronts, type WrongRow } from '../store/check-store.ts';
import { type ClaimedRow, type ClaimedRun, claimRows } from '../store/claim-runs.ts';
import { keepFacts, type OpenVariables } from '../store/kept-facts.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import { sqlState, violatedConstraint } from '../store/store-error.ts';

export interface Claimer extends Claiming {
  /** Free slots, minus those reserved for claims under way. */
  free(): number;
  /** Claims up to `limit` due runs and hands each to `onClaimed` at once. @returns how many */
  claim(limit: number): Promise<number>;
  /** A number that changes whenever a claim begins, or null while one is under way. */
  idleEpoch(): number | null;
  /** Resolves when none is under way; `claimOnInsert` begins no other. */
  close(): Promise<void>;
}

export interface ClaimerOptions {
  readonly store: Store;
  readonly runnerId: string;
  /** What tasks get of an environment's variables. */
  readonly openVariables?: OpenVariables | undefined;
  /** How many more runs the runner can hold: its free slots. */
  readonly free: () => number;
  readonly onClaimed: (run: ClaimedRun) => void;
  /** A slot that was reserved for a claim stayed free. */
  readonly onFree: () => void;
  /** A claim has met what is not as the runs are: mends it. Does not reject. */
  readonly onWrong: (wrong: readonly WrongRow[]) => Promise<void>;
}

/** A slot is reserved meanwhile: whoever holds the lock of a queue, or of a key, must not keep it from the runs of others. */
const waitBriefly = { name: 'wait_briefly', text: "set local lock_timeout = '25ms'" };

const lockNotAvailable = '55P03';
/** So long a claim looks for locks at once, after it has met one. */
const cautiousMs = 30_000;

/** Claims in all environments, in turn: one that has much to do holds up no other. */
export function openClaimer(options: ClaimerOptions): Claimer {
  const { store, runnerId, openVariables, free, onClaimed, onFree, onWrong } = options;
  let after = 0;
  let begun = 0;
  let reserved = 0;
  let cautiousUntil = 0;
  let closed = false;
  const kept = keepFacts(openVariables);
  const underWay = new Set<Promise<unknown>>();

  const claimOn = (db: Queryable, limit: number, skipsLocked = false): Promise<readonly ClaimedRow[]> =>
    claimRows(db, { runnerId, limit, after, skipsLocked, onDropped: (wrong) => void onWrong(wrong) });
  /** One run must not keep the others from being claimed: neither one whose row is locked, nor a front of a queue of which a run is running, which the database refuses and which goes back behind. */
  const claimOthers = async (limit: number): Promise<readonly ClaimedRow[]> => {
    try {
      return await claimOn(store, limit, performance.now() < cautiousUntil);
    } catch (error) {
      if (sqlState(error) === lockNotAvailable) {
        cautiousUntil = performance.now() + cautiousMs;
        return claimOn(store, limit, true);
      }
      if (violatedConstraint(error) !== 'runs_one_running') throw error;
      const wrong = await readWrongFronts(store);
      if (wrong.length === 0) throw error;
      await onWrong(wrong);
      return claimOn(store, limit);
    }
  };
  const receive = async (rows: readonly ClaimedRow[]): Promise<void> => {
    after = rows.at(-1)?.environmentId ?? after;
    for (const run of await kept.complete(store, rows)) onClaimed(run);
  };
  /** Reserves so many slots for what `claim` brings. */
  const reserve = async <Result>(limit: number, claim: () => Promise<Result>): Promise<Result> => {
    begun += 1;
    reserved += limit;
    const claiming = claim();
    underWay.add(claiming);
    try {
      return await claiming;
    } finally {
      underWay.delete(claiming);
      reserved -= limit;
    }
  };
  const insertAndClaim: ClaimOnInsert = async (on, add) => {
    const { result, runs } = await reserve(1, async () => {
      const [, result, runs] = await on.atOnce((db) =>
        Promise.all([db.query(waitBriefly), add(db), claimOn(db, 1, performance.now() < cautiousUntil)]),
      );
      // They are added and claimed, whatever happens now: what nobody has in hands is found when the runner next looks at what it holds.
      await receive(runs).catch(() => undefined);
      return { result, runs };
    }).catch((error: unknown) => {
      onFree();
      throw error;
    });
    if (runs.length === 0) onFree();
    return { result, claimed: runs.map(({ id }) => id) };
  };
  return {
    free: () => free() - reserved,
    claim: (limit) =>
      reserve(limit, async () => {
        const runs = await claimOthers(limit);
        await receive(runs);
        return runs.length;
      }),
    claimOnInsert: () => (closed || free() - reserved <= 0 ? null : insertAndClaim),
    idleEpoch: () => (underWay.size === 0 ? begun : null),
    async close() {
      closed = true;
      await Promise.allSettled(underWay);
    },
  };
}
