import type { FinishedAttempt } from '../operations/finish-attempt.ts';
import type { AttemptContext } from './attempt-context.ts';
import { within } from './within.ts';

/**
 * Stores the end, however long the database is away: until then the run is this attempt's, or another's and the fence refuses it.
 * A runner that stops gives up at last; its lease runs out, and the run is tried again.
 */
export async function storeEnd(
  context: Pick<AttemptContext, 'writeEnd' | 'onEvent' | 'abandon'>,
  queue: string | null,
  finished: FinishedAttempt,
): Promise<string> {
  for (let delayMs = 100; ; delayMs = Math.min(delayMs * 2, 2000)) {
    try {
      return await context.writeEnd(queue, finished);
    } catch (error) {
      context.onEvent({ kind: 'trouble', what: `the end of run ${finished.runId} could not be stored yet`, error });
      if (context.abandon.aborted) return 'not stored';
      await within(delayMs, aborted(context.abandon));
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
