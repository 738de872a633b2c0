import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../store/open-store.ts';
import { readUnfinished } from '../store/read-runs.ts';

/** Tells when runs are finished: all that are waited for at one time are asked for by one statement. */
export interface RunWatch {
  /** Resolves when the run is finished, or is not there; after `ms`; or when the signal aborts. */
  untilFinished(runId: string, patience: { readonly ms: number; readonly signal: AbortSignal }): Promise<void>;
}

const firstPauseMs = 20;
const maxPauseMs = 250;

/** Asks nothing while nobody waits. */
export function watchRuns(db: Queryable): RunWatch {
  const waiting = new Set<{ readonly runId: string; readonly tell: () => void }>();
  let pauseMs = firstPauseMs;
  let isAsking = false;

  const look = async (): Promise<void> => {
    const asked = [...waiting];
    const unfinished = await readUnfinished(db, [...new Set(asked.map(({ runId }) => runId))]);
    for (const { runId, tell } of asked) if (!unfinished.has(runId)) tell();
  };
  const askWhileWaiting = async (): Promise<void> => {
    while (waiting.size > 0) {
      // While the database is away nothing is finished that could be told.
      await look().catch(() => undefined);
      await sleep(pauseMs);
      pauseMs = Math.min(pauseMs * 1.3, maxPauseMs);
    }
    isAsking = false;
  };
  return {
    async untilFinished(runId, { ms, signal }) {
      if (signal.aborted) return;
      const { promise, resolve: tell } = Promise.withResolvers<null>();
      const waiter = { runId, tell: () => tell(null) };
      const timer = setTimeout(waiter.tell, ms);
      signal.addEventListener('abort', waiter.tell);
      waiting.add(waiter);
      pauseMs = firstPauseMs;
      if (!isAsking) {
        isAsking = true;
        void askWhileWaiting();
      }
      await promise;
      waiting.delete(waiter);
      clearTimeout(timer);
      signal.removeEventListener('abort', waiter.tell);
    },
  };
}
