import { setTimeout as delay } from 'node:timers/promises';
import { CloudCodeError } from '../engine/core/errors.ts';

const pauseMs = 200;

/**
 * Asks again for as long as the database is away, which the campaign itself sees to. An answer may be lost: what was asked for may be done twice.
 * @returns null when `stopping` aborted first
 */
export async function retryUntil<Answer>(stopping: AbortSignal, ask: () => Promise<Answer>): Promise<Answer | null> {
  while (!stopping.aborted) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof CloudCodeError && error.code === 'database_unreachable')) throw error;
      await delay(pauseMs);
    }
  }
  return null;
}
