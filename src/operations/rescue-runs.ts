import type { Store } from '../store/open-store.ts';
import { type HeldAttempt, readLostAttempts } from '../store/runners.ts';
import { finishAttempt } from './finish-attempt.ts';

const batch = 100;

/** Takes back the runs of runners whose leases ran out. @returns how many */
export async function rescueRuns(store: Store): Promise<number> {
  let rescued = 0;
  for (;;) {
    const lost = await readLostAttempts(store, batch);
    rescued += await endLostAttempts(store, lost, "The attempt's runner stopped renewing its lease: it died or lost the database.");
    if (lost.length < batch) return rescued;
  }
}

/** Ends attempts whose processes are known to be gone, or never were. @returns how many were still current */
export async function endLostAttempts(store: Store, attempts: readonly HeldAttempt[], why: string): Promise<number> {
  let ended = 0;
  for (const attempt of attempts) {
    if ((await finishAttempt(store, endOf(attempt, why))) !== 'superseded') ended += 1;
  }
  return ended;
}

function endOf(attempt: HeldAttempt, why: string): Parameters<typeof finishAttempt>[1] {
  return {
    runId: attempt.id,
    fence: attempt.fence,
    number: attempt.attempt,
    attemptLimit: attempt.attemptLimit,
    outcome: 'lost',
    cancelRequested: attempt.cancelRequested,
    resultJson: null,
    error: { name: 'AttemptLost', message: why, stack: null },
    exitCode: null,
    signal: null,
    pid: null,
    peakMemoryBytes: null,
    lines: [],
  };
}
