import { type FinishedAttempt, noProcess } from '../operations/finish-attempt.ts';
import type { AttemptContext } from './attempt-context.ts';
import { within } from './within.ts';
import { ProcessesGone } from '../core/processes-gone.ts';
import type { ClaimedRun } from '../store/claim-runs.ts';
import { describeMachineFault } from './attempt-end.ts';
import { messageOf } from '../core/thrown.ts';
import { aborted } from '../core/aborted.ts';

/**
 * Stores the end, however long the database is away: until then the run is this attempt's, or another's and the fence refuses it.
 * A runner that stops gives up at last; its lease runs out, and the run is tried again.
 */
export async function storeEnd(
  context: Pick<AttemptContext, 'writeEnd' | 'onEvent' | 'abandon'>,
  queue: string | null,
  finished: FinishedAttempt,
): Promise<string> {
  for (let delayMs = 100; ; delayMs = Math.min(delayMs * 2, 2000)) {
    try {
      return await context.writeEnd(queue, finished);
    } catch (error) {
      context.onEvent({ kind: 'trouble', what: `the end of run ${finished.runId} could not be stored yet`, error });
      if (context.abandon.aborted) return 'not stored';
      await within(delayMs, aborted(context.abandon));
    }
  }
}

/** Stores that no worker was given the run. By a fault of the machine (no process, no room on the disk, no bundle to be had) the attempt does not count. */
export async function giveUp(
  run: ClaimedRun,
  context: AttemptContext,
  { cause, isMachineFault }: { readonly cause: unknown; readonly isMachineFault: boolean },
): Promise<void> {
  context.onEvent({ kind: 'trouble', what: `run ${run.id} could not be started`, error: cause });
  const why = messageOf(cause);
  const ofTask = {
    outcome: 'lost',
    error: { name: 'AttemptLost', message: `The attempt could not be started: ${why}`, stack: null },
    resultJson: null,
  } as const;
  await storeEnd(context, run.queue, {
    gone: ProcessesGone.because('never_started'),
    runId: run.id,
    task: run.task,
    fence: run.fence,
    number: run.attempt,
    attemptLimit: run.attemptLimit,
    ...(isMachineFault ? describeMachineFault(why) : ofTask),
    cancelRequested: false,
    ...noProcess,
  });
}
