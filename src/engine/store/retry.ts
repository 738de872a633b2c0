import { setTimeout as sleep } from 'node:timers/promises';
import { asExhausted, isConflict, isUnreachable } from './store-error.ts';

const maxTries = 6;

/** Carries out `work` again, a few times, when its transaction was ended because it met another: a serialization failure or a deadlock. Nothing of it was done then. */
export async function retryConflicts<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === maxTries || !isConflict(error)) throw error;
    }
    await sleep(Math.random() * 10 * 2 ** tries);
  }
}

const firstPauseMs = 50;
const maxPauseMs = 1_000;

export interface Patience {
  /** How long a database that is away is waited for. */
  readonly ms: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/**
 * Carries out `work`, and does so again while the database is away or the transaction met another, until the patience has run out; once more in any case, because an answer that was
 * lost may have been a yes. `work` must be such that doing it again does nothing twice.
 */
export async function retryWhileAway<Result>(
  work: (isRepeated: boolean) => Promise<Result>,
  { ms, signal }: Patience,
): Promise<Result> {
  const end = performance.now() + ms;
  for (
    let pauseMs = firstPauseMs, isRepeated = false;
    ;
    pauseMs = Math.min(pauseMs * 2, maxPauseMs), isRepeated = true
  ) {
    try {
      return await work(isRepeated);
    } catch (error) {
      const isOver = isRepeated && performance.now() + pauseMs > end;
      if (!(isUnreachable(error) || isConflict(error)) || signal?.aborted === true || isOver) throw asExhausted(error);
    }
    await sleep(pauseMs * (0.5 + Math.random()), undefined, signal === undefined ? {} : { signal }).catch(
      () => undefined,
    );
  }
}
