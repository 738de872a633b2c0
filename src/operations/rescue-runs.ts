import type { Store } from '../store/open-store.ts';
import { type LostAttempt, readLostAttempts } from '../store/runners.ts';
import { finishAttempt } from './finish-attempt.ts';

const batch = 100;

/** Takes back the runs of runners whose leases ran out. @returns how many */
export async function rescueRuns(store: Store): Promise<number> {
  let rescued = 0;
  for (;;) {
    const lost = await readLostAttempts(store, batch);
    for (const attempt of lost) {
      if ((await finishAttempt(store, endOf(attempt))) !== 'superseded') rescued += 1;
    }
    if (lost.length < batch) return rescued;
  }
}

function endOf(attempt: LostAttempt): Parameters<typeof finishAttempt>[1] {
  return {
    runId: attempt.id,
    fence: attempt.fence,
    number: attempt.attempt,
    attemptLimit: attempt.attemptLimit,
    outcome: 'lost',
    cancelRequested: attempt.cancelRequested,
    resultJson: null,
    error: { name: 'AttemptLost', message: `The attempt's runner ${attempt.runnerId} stopped renewing its lease: it died or lost the database.`, stack: null },
    exitCode: null,
    signal: null,
    pid: null,
    peakMemoryBytes: null,
    lines: [],
  };
}
