import { ProcessesGone } from '../core/processes-gone.ts';
import type { ClaimedRun } from '../store/claim-runs.ts';
import { describeMachineFault } from './attempt-end.ts';
import type { AttemptContext } from './attempt-context.ts';
import { storeEnd } from './store-end.ts';

/** Stores that no worker was given the run. By a fault of the machine (no process, no room on the disk, no bundle to be had) the attempt does not count. */
export async function giveUp(
  run: ClaimedRun,
  context: AttemptContext,
  { cause, isMachineFault }: { readonly cause: unknown; readonly isMachineFault: boolean },
): Promise<void> {
  context.onEvent({ kind: 'trouble', what: `run ${run.id} could not be started`, error: cause });
  const why = cause instanceof Error ? cause.message : String(cause);
  const ofTask = {
    outcome: 'lost',
    error: { name: 'AttemptLost', message: `The attempt could not be started: ${why}`, stack: null },
    resultJson: null,
  } as const;
  await storeEnd(context, run.queue, {
    gone: ProcessesGone.because('never_started'),
    runId: run.id,
    fence: run.fence,
    number: run.attempt,
    attemptLimit: run.attemptLimit,
    ...(isMachineFault ? describeMachineFault(why) : ofTask),
    cancelRequested: false,
    exitCode: null,
    signal: null,
    pid: null,
    peakMemoryBytes: null,
    lines: [],
  });
}
