import { ProcessesGone } from '../core/processes-gone.ts';
import type { Store } from '../store/open-store.ts';
import { type HeldAttempt, readLostAttempts } from '../store/runners.ts';
import { type FinishedAttempt, finishAttempts, noProcess } from './finish-attempt.ts';

const batch = 100;

/** Takes back the runs of runners whose leases ran out. @returns how many */
export async function rescueRuns(store: Store): Promise<number> {
  let rescued = 0;
  for (;;) {
    const lost = await readLostAttempts(store, batch);
    rescued += await endLostAttempts(
      store,
      lost,
      ProcessesGone.because('lease_over'),
      "The attempt's runner stopped renewing its lease: it died or lost the database.",
    );
    if (lost.length < batch) return rescued;
  }
}

/** Ends attempts whose processes are known to be gone, or never were. @returns how many were still current */
export async function endLostAttempts(
  store: Store,
  attempts: readonly HeldAttempt[],
  gone: ProcessesGone,
  why: string,
): Promise<number> {
  if (attempts.length === 0) return 0;
  const finished = await finishAttempts(
    store,
    attempts.map((attempt) => endOf(attempt, gone, why)),
  );
  return finished.filter((next) => next !== 'superseded').length;
}

function endOf(attempt: HeldAttempt, gone: ProcessesGone, why: string): FinishedAttempt {
  return {
    gone,
    runId: attempt.id,
    task: attempt.task,
    fence: attempt.fence,
    number: attempt.attempt,
    attemptLimit: attempt.attemptLimit,
    outcome: 'lost',
    storedAnswer: attempt.storedAnswer,
    cancelRequested: attempt.cancelRequested,
    resultJson: null,
    error: { name: 'AttemptLost', message: why, stack: null },
    ...noProcess,
  };
}
