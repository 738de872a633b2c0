import { setTimeout as delay } from 'node:timers/promises';
import { isConflict } from './store-error.ts';

const maxTries = 6;

/** Carries out `work` again, a few times, when its transaction was ended because it met another: a serialization failure or a deadlock. Nothing of it was done then. */
export async function retryConflicts<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === maxTries || !isConflict(error)) throw error;
    }
    await delay(Math.random() * 10 * 2 ** tries);
  }
}
