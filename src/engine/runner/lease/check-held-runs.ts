import { ProcessesGone } from '../../core/processes-gone.ts';
import { endLostAttempts } from '../../operations/rescue-runs.ts';
import type { Store } from '../../store/open-store.ts';
import { deleteEndedClaims, readHeldAttempts } from '../../store/runners.ts';
import type { Claimer } from '../claim-due.ts';
import type { OnEvent } from '../events.ts';
import { type IntervalLoop, startLoop } from '../interval-loop.ts';
import type { RunSlots } from '../run-slots.ts';

const maxCheckMs = 3_000;
/** After a look around which there was a claim, which tells nothing: one that claims all the time must not put off for long what it holds without knowing. */
const againMs = 100;

/**
 * Compares what the database says that this runner holds with what it does hold. Cancels what somebody asked to cancel while no notification came through, and
 * takes back what it holds without knowing: a claim whose answer was lost on its way.
 */
export function startCheckingHeldRuns(
  store: Store,
  runner: {
    readonly id: string;
    readonly leaseMs: number;
    readonly slots: RunSlots;
    readonly claimer: Claimer;
    readonly onEvent: OnEvent;
  },
): IntervalLoop {
  const { id, leaseMs, slots, claimer, onEvent } = runner;
  // What it holds without knowing keeps a queue standing: no longer than the lease of a runner that is gone would.
  const checkMs = Math.min(maxCheckMs, leaseMs / 2);
  return startLoop({
    async turn() {
      // So that the look has little to read, however many claims there were since the last.
      await deleteEndedClaims(store, id);
      // No claim may be under way around the look, or its runs would be taken for lost.
      const idleEpoch = claimer.idleEpoch();
      const held = await readHeldAttempts(store, id);
      for (const run of held) if (run.cancelRequested) slots.cancel(run.id);
      if (idleEpoch === null || claimer.idleEpoch() !== idleEpoch) return againMs;
      await endLostAttempts(
        store,
        held.filter((run) => !slots.holds(run.fence)),
        ProcessesGone.because('never_started'),
        'The answer to its claim was lost.',
      );
      return checkMs;
    },
    onError(error) {
      onEvent({ kind: 'trouble', what: 'the runs that this runner holds could not be looked at', error });
      return checkMs;
    },
  });
}
