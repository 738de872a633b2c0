import { listFinishedRuns } from '../operations/list-finished-runs.ts';
import type { Store } from '../store/open-store.ts';
import type { OnEvent } from './events.ts';
import { type IntervalLoop, startLoop } from './interval-loop.ts';

/** Under load so many ends go together; until then a list finds them by their endings. */
const afterMs = 1_000;
const retryMs = 10_000;

export interface Listing extends Omit<IntervalLoop, 'wake'> {
  /** Runs have ended: they are listed shortly. An idle runner lists nothing. */
  soon(): void;
}

/** Enters the finished runs where lists look for them, apart from their ends. */
export function startListing(store: Store, onEvent: OnEvent): Listing {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | null = null;
  const loop = startLoop({
    async turn() {
      timer = null;
      await listFinishedRuns(store, stopping.signal);
      return Infinity;
    },
    onError(error) {
      onEvent({ kind: 'trouble', what: 'finished runs could not be entered in lists', error });
      return retryMs;
    },
  });
  const stop = (): Promise<void> => {
    stopping.abort();
    if (timer !== null) clearTimeout(timer);
    return loop.stop();
  };
  return {
    soon() {
      if (!stopping.signal.aborted) timer ??= setTimeout(loop.wake, afterMs);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
