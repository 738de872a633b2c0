import { backOffMs, postponeMs } from './back-off.ts';
import type { RunningEvent } from './run-transitions.ts';
import type { AnswerOutcome, Outcome } from './run.ts';

export interface AfterAttempt {
  /** What happens to its run. */
  readonly event: RunningEvent;
  /** Of `backed_off`: how long the run waits. */
  readonly delayMs: number | null;
  /** False: it has not been one of those that the run may have. */
  readonly counts: boolean;
}

export interface AttemptEnd {
  /** As `outcomeOf` has it. */
  readonly outcome: Outcome;
  readonly attemptNumber: number;
  /** The number of the last attempt the run may have. */
  readonly attemptLimit: number;
  readonly cancelRequested: boolean;
  /** Of one that is `lost`: a fault of the machine (a full disk, no process to be had) ended it before any code of its task ran. */
  readonly isMachineFault?: boolean | undefined;
  /** From 0 up to 1, for the jitter of the back-off. */
  readonly random: number;
}

/** How an attempt ended: as its stored answer says where there is one, however its processes or its runner came to their end (promise 3). */
export function outcomeOf({
  outcome,
  storedAnswer,
}: {
  readonly outcome: Outcome;
  readonly storedAnswer: AnswerOutcome | null;
}): Outcome {
  return storedAnswer ?? outcome;
}

/** What becomes of a run when one of its attempts has ended: promises 3 and 4. */
export function decideAfterAttempt(end: AttemptEnd): AfterAttempt {
  switch (end.outcome) {
    case 'returned':
    case 'threw':
      return after(end.outcome);
    case 'cancelled':
      // The runner ended the attempt for reasons of its own (it drains): the attempt does not count.
      return end.cancelRequested ? after('cancelled') : after('given_back', { counts: false });
    case 'timed_out':
    case 'out_of_memory':
    case 'exited':
    case 'killed':
      return withoutAnswer(end);
    case 'lost':
      return end.isMachineFault === true ? withoutBeginning(end) : withoutAnswer(end);
  }
}

/** Its machine could not run any code of the task: the attempt does not count, and another machine may have it shortly. */
function withoutBeginning(end: AttemptEnd): AfterAttempt {
  return end.cancelRequested
    ? after('cancelled')
    : after('backed_off', { delayMs: postponeMs(end.random), counts: false });
}

function withoutAnswer(end: AttemptEnd): AfterAttempt {
  if (end.cancelRequested) return after('cancelled');
  if (end.attemptNumber >= end.attemptLimit) return after('given_up');
  return after('backed_off', { delayMs: backOffMs(end.attemptNumber, end.random) });
}

function after(event: RunningEvent, { delayMs = null, counts = true }: Partial<AfterAttempt> = {}): AfterAttempt {
  return { event, delayMs, counts };
}
