// The engine alone. This file is all that says how runs are claimed and ended: it does what src/engine/runner/ does, without executing anything.

import { ProcessesGone } from '../../src/engine/core/processes-gone.ts';
import { openClaimer } from '../../src/engine/runner/claim-due.ts';
import { openEndWriter, type WriteEnd } from '../../src/engine/runner/write-ends.ts';
import type { ClaimedRun } from '../../src/engine/store/claim-runs.ts';
import type { Store } from '../../src/engine/store/open-store.ts';

/** Runs held at a time, as by a runner with this `concurrency`: one claim's worth is being claimed, one ended, and one waits for that. Peers that batch claim as many at a time. */
const heldAtMost = 1500;
const claimedAtMost = 500;

/**
 * Claims and ends due runs until `count` are ended or, before that, nothing is left to claim or `withinMs` are over.
 * @returns when each run's end was confirmed (ms, any origin)
 */
export async function drainRuns(
  store: Store,
  runnerId: string,
  { count, withinMs }: { readonly count: number; readonly withinMs: number },
): Promise<readonly number[]> {
  const deadline = performance.now() + withinMs;
  const finishTimes: number[] = [];
  const writeEnd = openEndWriter(store);
  let held = 0;
  let taken = 0;
  const failures: unknown[] = [];
  let wake = Promise.withResolvers<undefined>();
  const end = async (run: ClaimedRun): Promise<void> => {
    await endRun(writeEnd, run);
    finishTimes.push(performance.now());
  };
  const onClaimed = (run: ClaimedRun): void => {
    held += 1;
    taken += 1;
    void end(run)
      .catch((error: unknown) => failures.push(error))
      .finally(() => {
        held -= 1;
        wake.resolve(undefined);
      });
  };
  const claimer = openClaimer({
    store,
    runnerId,
    free: () => heldAtMost - held,
    onClaimed,
    onFree: () => undefined,
    onWrong: (wrong) => Promise.reject(new Error(JSON.stringify(wrong))),
  });
  while (failures.length === 0 && finishTimes.length < count) {
    const woken = (wake = Promise.withResolvers<undefined>()).promise;
    const limit = performance.now() < deadline ? Math.min(claimedAtMost, claimer.free(), count - taken) : 0;
    const claimed = limit > 0 ? await claimer.claim(limit) : 0;
    if (claimed > 0) continue;
    if (held === 0) break;
    await woken;
  }
  if (failures.length > 0) throw failures[0];
  return finishTimes;
}

async function endRun(writeEnd: WriteEnd, run: ClaimedRun): Promise<void> {
  const next = await writeEnd(run.queue, {
    gone: ProcessesGone.because('never_started'),
    runId: run.id,
    task: run.task,
    fence: run.fence,
    number: run.attempt,
    attemptLimit: run.attemptLimit,
    outcome: 'returned',
    cancelRequested: false,
    resultJson: 'null',
    error: null,
    exitCode: 0,
    signal: null,
    pid: process.pid,
    peakMemoryBytes: null,
    lines: [],
  });
  if (next !== 'succeeded') throw new Error(`run ${run.id} is ${next}, not succeeded`);
}
