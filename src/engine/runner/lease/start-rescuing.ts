import { rescueRuns } from '../../operations/rescue-runs.ts';
import type { Store } from '../../store/open-store.ts';
import { deleteEndedRunners } from '../../store/runners.ts';
import type { OnEvent } from '../events.ts';
import { type IntervalLoop, startLoop } from '../interval-loop.ts';
import { watchLeases } from './watch-leases.ts';

/** How often to look: a renewal is seen this much later at most, and so is a runner of this machine that died. */
const lookMs = 500;
/** Runs come free when a lease ends, which is seen; this is for one that came and went between two looks. */
const rescueEveryMs = 5_000;
const cleanEveryMs = 600_000;

/** Takes back the runs of runners whose leases have expired, until it is stopped. */
export function startRescuing(store: Store, runnerId: string, onEvent: OnEvent): IntervalLoop {
  const watch = watchLeases(store, runnerId, {
    ended() {
      rescueAt = -Infinity;
      loop.wake();
    },
    error: (error) => onEvent({ kind: 'trouble', what: 'the lease of another runner could not be ended', error }),
  });
  let cleanedAt = -Infinity;
  let rescueAt = -Infinity;
  const rescue = async (): Promise<void> => {
    const before = rescueAt;
    rescueAt = performance.now() + rescueEveryMs; // another lease may end meanwhile
    try {
      const count = await rescueRuns(store);
      if (count > 0) onEvent({ kind: 'runs_rescued', count });
    } catch (error) {
      rescueAt = before;
      throw error;
    }
  };
  const loop = startLoop({
    async turn() {
      const { nextMs, hasEnded } = await watch.look();
      if (hasEnded) rescueAt = -Infinity;
      if (performance.now() >= rescueAt) await rescue();
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
