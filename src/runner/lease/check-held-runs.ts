import { ProcessesGone } from '../../core/processes-gone.ts';
import { endLostAttempts } from '../../operations/rescue-runs.ts';
import type { Store } from '../../store/open-store.ts';
import { readHeldAttempts } from '../../store/runners.ts';
import type { Claimer } from '../claim-due.ts';
import type { OnEvent } from '../events.ts';
import { type IntervalLoop, startLoop } from '../interval-loop.ts';
import type { RunSlots } from '../run-slots.ts';

const checkMs = 3_000;

/**
 * Compares what the database says that this runner holds with what it does hold. Cancels what somebody asked to cancel while no notification came through, and
 * takes back what it holds without knowing: a claim whose answer was lost on its way.
 */
export function startCheckingHeldRuns(store: Store, runnerId: string, runner: { readonly slots: RunSlots; readonly claimer: Claimer; readonly onEvent: OnEvent }): IntervalLoop {
  const { slots, claimer, onEvent } = runner;
  return startLoop({
    async turn() {
      // No claim may be under way around the look, or its runs would be taken for lost.
      const stillness = claimer.stillness();
      const held = await readHeldAttempts(store, runnerId);
      for (const run of held) if (run.cancelRequested) slots.cancel(run.id);
      if (stillness === null || claimer.stillness() !== stillness) return checkMs;
      await endLostAttempts(store, held.filter((run) => !slots.holds(run.id)), ProcessesGone.because('never_started'), 'The answer to its claim was lost.');
      return checkMs;
    },
    onError(error) {
      onEvent({ kind: 'trouble', what: 'the runs that this runner holds could not be looked at', error });
      return checkMs;
    },
  });
}
