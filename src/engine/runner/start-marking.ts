import type { OnEvent } from './events.ts';
import { type IntervalLoop, startLoop } from './interval-loop.ts';
import type { RunSlots } from './run-slots.ts';
import { markEveryMs } from './used-marks.ts';

/**
 * Marks what attempts under way use for as long as they are, until it is stopped: a runner on another database that shares the folders of this machine knows nothing of it, and removes what was not
 * used for a while. A loop of its own: what is pruned may take long.
 */
export function startMarking(slots: Pick<RunSlots, 'markUsed'>, onEvent: OnEvent): IntervalLoop {
  return startLoop({
    async turn() {
      await slots.markUsed();
      return markEveryMs;
    },
    onError(error) {
      onEvent({ kind: 'trouble', what: 'the files of attempts under way could not be marked as used', error });
      return markEveryMs;
    },
  });
}
