import { rescueRuns } from '../../operations/rescue-runs.ts';
import type { Store } from '../../store/open-store.ts';
import { deleteEndedRunners } from '../../store/runners.ts';
import type { OnEvent } from '../events.ts';
import { type IntervalLoop, startLoop } from '../interval-loop.ts';
import { watchLeases } from './watch-leases.ts';

/** How often to look: a renewal is seen this much later at most, and so is a runner of this machine that died. */
const lookMs = 500;
const cleanEveryMs = 600_000;

/** Takes back the runs of runners whose leases have expired, until it is stopped. */
export function startRescuing(store: Store, runnerId: string, onEvent: OnEvent): IntervalLoop {
  const watch = watchLeases(store, runnerId, {
    ended: () => loop.wake(),
    error: (error) => onEvent({ kind: 'trouble', what: 'the lease of another runner could not be ended', error }),
  });
  let cleanedAt = -Infinity;
  const loop = startLoop({
    async turn() {
      const nextMs = await watch.look();
      const count = await rescueRuns(store);
      if (count > 0) onEvent({ kind: 'runs_rescued', count });
      if (performance.now() - cleanedAt > cleanEveryMs) {
        await deleteEndedRunners(store);
        cleanedAt = performance.now();
      }
      return Math.min(nextMs, lookMs);
    },
    onError(error) {
      onEvent({ kind: 'trouble', what: 'the runs of other runners could not be looked at', error });
      return 2 * lookMs;
    },
  });
  return loop;
}
