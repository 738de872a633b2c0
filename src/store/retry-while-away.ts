import { setTimeout as sleep } from 'node:timers/promises';
import { isConflict, isUnreachable } from '../store/store-error.ts';

/** How long a call of a task waits for a database that is away. */
const patienceMs = 30_000;
const firstPauseMs = 50;
const longestPauseMs = 1_000;

/**
 * Carries out `work`, and does so again while the database is away or the transaction met another, for up to 30 s or until the signal aborts.
 * `work` must be such that doing it again does nothing twice: an answer that was lost may have been a yes.
 */
export async function retryWhileAway<Result>(work: (isRepeated: boolean) => Promise<Result>, signal: AbortSignal): Promise<Result> {
  const end = performance.now() + patienceMs;
  for (let pauseMs = firstPauseMs, isRepeated = false; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs), isRepeated = true) {
    try {
      return await work(isRepeated);
    } catch (error) {
      if (!(isUnreachable(error) || isConflict(error)) || signal.aborted || performance.now() + pauseMs > end) throw error;
    }
    await sleep(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
  }
}
