import { backOffMs, postponeMs } from './back-off.ts';
import type { AnswerOutcome, Outcome } from './run.ts';

export type AfterAttempt =
  | { readonly next: 'succeeded' }
  | { readonly next: 'failed' }
  | { readonly next: 'cancelled' }
  | { readonly next: 'dead' }
  | { readonly next: 'retry'; readonly delayMs: number }
  /** The runner ended the attempt for reasons of its own (it drains): the attempt does not count. */
  | { readonly next: 'give_back' }
  /** Its machine could not run any code of the task: the attempt does not count, and another machine may have it shortly. */
  | { readonly next: 'postpone'; readonly delayMs: number };

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
      return { next: 'succeeded' };
    case 'threw':
      return { next: 'failed' };
    case 'cancelled':
      return end.cancelRequested ? { next: 'cancelled' } : { next: 'give_back' };
    case 'timed_out':
    case 'out_of_memory':
    case 'exited':
    case 'killed':
      return withoutAnswer(end);
    case 'lost':
      return end.isMachineFault === true ? withoutBeginning(end) : withoutAnswer(end);
  }
}

function withoutBeginning(end: AttemptEnd): AfterAttempt {
  return end.cancelRequested ? { next: 'cancelled' } : { next: 'postpone', delayMs: postponeMs(end.random) };
}

function withoutAnswer(end: AttemptEnd): AfterAttempt {
  if (end.cancelRequested) return { next: 'cancelled' };
  if (end.attemptNumber >= end.attemptLimit) return { next: 'dead' };
  return { next: 'retry', delayMs: backOffMs(end.attemptNumber, end.random) };
}
