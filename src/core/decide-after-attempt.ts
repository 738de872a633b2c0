import { backOffMs } from './back-off.ts';
import type { Outcome } from './run.ts';

export type AfterAttempt =
  | { readonly next: 'succeeded' }
  | { readonly next: 'failed' }
  | { readonly next: 'cancelled' }
  | { readonly next: 'dead' }
  | { readonly next: 'retry'; readonly delayMs: number }
  /** The runner ended the attempt for reasons of its own (it drains): the attempt does not count. */
  | { readonly next: 'give_back' };

export interface AttemptEnd {
  readonly outcome: Outcome;
  readonly attemptNumber: number;
  /** The number of the last attempt the run may have. */
  readonly attemptLimit: number;
  readonly cancelRequested: boolean;
  /** From 0 up to 1, for the jitter of the back-off. */
  readonly random: number;
}

/** What becomes of a run when one of its attempts is over: promises 3 and 4. */
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
    case 'lost':
      return withoutAnswer(end);
  }
}

function withoutAnswer(end: AttemptEnd): AfterAttempt {
  if (end.cancelRequested) return { next: 'cancelled' };
  if (end.attemptNumber >= end.attemptLimit) return { next: 'dead' };
  return { next: 'retry', delayMs: backOffMs(end.attemptNumber, end.random) };
}
