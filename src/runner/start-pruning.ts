import { pruneRuns } from '../operations/prune-runs.ts';
import type { Store } from '../store/open-store.ts';
import type { OnEvent } from './events.ts';
import { type IntervalLoop, startLoop } from './interval-loop.ts';

/** Each runner does it: that costs little when another has just done it. */
const everyMs = 300_000;
/** A runner that starts has more urgent things to do. */
const firstAfterMs = 10_000;

/** Forgets finished runs that need not be kept any more, until it is stopped. */
export function startPruning(store: Store, onEvent: OnEvent): IntervalLoop {
  const stopping = new AbortController();
  let isFirst = true;
  const loop = startLoop({
    async turn() {
      if (isFirst) {
        isFirst = false;
        return firstAfterMs;
      }
      const count = await pruneRuns(store, stopping.signal);
      if (count > 0) onEvent({ kind: 'runs_pruned', count });
      return everyMs;
    },
    onError(error) {
      onEvent({ kind: 'trouble', what: 'finished runs could not be forgotten', error });
      return everyMs;
    },
  });
  const stop = (): Promise<void> => {
    stopping.abort();
    return loop.stop();
  };
  return { wake: loop.wake, stop, [Symbol.asyncDispose]: stop };
}
