import { type AfterAttempt, decideAfterAttempt, outcomeOf } from '../core/decide-after-attempt.ts';
import type { ErrorRecord } from '../core/errors.ts';
import type { ProcessesGone } from '../core/processes-gone.ts';
import { type AnswerOutcome, isFinal, type Outcome } from '../core/run.ts';
import { type AfterRunning, stateAfterRunning, storedState } from '../core/run-transitions.ts';
import { errorFingerprint } from './error-fingerprint.ts';
import { type AttemptRecord, endAttempts, type StoredLine } from '../store/end-attempt.ts';
import type { Store } from '../store/open-store.ts';
import { readKnownOfAttempts } from '../store/store-answer.ts';

/** How an attempt ended, as its runner saw it. */
export interface FinishedAttempt {
  /** Without it no end may be stored. */
  readonly gone: ProcessesGone;
  readonly runId: string;
  readonly task: string;
  readonly fence: string;
  readonly number: number;
  readonly attemptLimit: number;
  readonly outcome: Outcome;
  /** The answer that the store has of it already, if its runner knows of one: it stands whatever `outcome` says. */
  readonly storedAnswer?: AnswerOutcome | null;
  readonly cancelRequested: boolean;
  /** As decideAfterAttempt has it. */
  readonly isMachineFault?: boolean;
  readonly resultJson: string | null;
  readonly error: ErrorRecord | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly pid: number | null;
  readonly peakMemoryBytes: number | null;
  readonly lines: readonly StoredLine[];
}

/** Of an attempt whose process nobody has seen. */
export const noProcess = { exitCode: null, signal: null, pid: null, peakMemoryBytes: null, lines: [] } as const;

/** What a run is now; `superseded` when another attempt had taken over: nothing was written. */
export type Finished = AfterRunning | 'superseded';

/**
 * Stores the ends of attempts and what follows from them, each whole or, when it throws, perhaps not. What resolves to a final state is final (promise 3).
 * @returns what became of each, in the order given
 */
export async function finishAttempts(store: Store, attempts: readonly FinishedAttempt[]): Promise<readonly Finished[]> {
  const finished = await endAll(store, attempts);
  const informed = await learnMore(
    store,
    attempts.filter((_, index) => finished[index] === 'superseded'),
  );
  if (informed.length === 0) return finished;
  const again = new Map((await finishAttempts(store, informed)).map((next, index) => [informed[index]?.fence, next]));
  return attempts.map(({ fence }, index) => again.get(fence) ?? finished[index] ?? 'superseded');
}

/**
 * The database takes no end that forgets what it knows: that somebody has cancelled the run, or that the attempt has answered.
 * @returns of the ends that it refused those whose runner had not heard of it, with what it knows; none that was refused for another reason
 */
async function learnMore(store: Store, refused: readonly FinishedAttempt[]): Promise<readonly FinishedAttempt[]> {
  if (refused.length === 0) return [];
  const known = new Map((await readKnownOfAttempts(store, refused)).map((each) => [each.fence, each]));
  return refused.flatMap((attempt): readonly FinishedAttempt[] => {
    const { cancelRequested = false, storedAnswer = null } = known.get(attempt.fence) ?? {};
    const isNews =
      (cancelRequested && !attempt.cancelRequested) || (storedAnswer !== null && attempt.storedAnswer !== storedAnswer);
    return isNews ? [{ ...attempt, cancelRequested: cancelRequested || attempt.cancelRequested, storedAnswer }] : [];
  });
}

async function endAll(store: Store, attempts: readonly FinishedAttempt[]): Promise<readonly Finished[]> {
  const ends = attempts.map(asAnswered).map((attempt) => ({
    attempt,
    decision: decideAfterAttempt({ ...attempt, attemptNumber: attempt.number, random: Math.random() }),
  }));
  const stored = await endAttempts(
    store,
    ends.map(({ attempt, decision }) => ({ ...attempt, attemptError: attempt.error, ...changesOf(decision, attempt) })),
  );
  if (stored.some(({ frees }) => frees)) store.notify();
  const fences = new Set(stored.map(({ fence }) => fence));
  return ends.map(({ attempt, decision }) =>
    fences.has(attempt.fence) ? stateAfterRunning(decision.event) : 'superseded',
  );
}

/** What an attempt of which an answer is stored would have been without it is of no interest: result and error are those of the answer, which the store has. */
function asAnswered(attempt: FinishedAttempt): FinishedAttempt {
  const { storedAnswer = null } = attempt;
  return storedAnswer === null
    ? attempt
    : { ...attempt, outcome: outcomeOf({ ...attempt, storedAnswer }), resultJson: null, error: null };
}

/** As finishAttempts, for one. */
export async function finishAttempt(store: Store, attempt: FinishedAttempt): Promise<Finished> {
  const [finished = 'superseded'] = await finishAttempts(store, [attempt]);
  return finished;
}

type Changes = Pick<
  AttemptRecord,
  'state' | 'resultJson' | 'runError' | 'fingerprint' | 'retryDelayMs' | 'extraAttempts'
>;

function changesOf({ event, delayMs, counts }: AfterAttempt, attempt: FinishedAttempt): Changes {
  const state = storedState(stateAfterRunning(event));
  return {
    state,
    resultJson: state === 'succeeded' ? attempt.resultJson : null,
    runError: isFinal(state) ? attempt.error : null,
    fingerprint: state === 'failed' || state === 'dead' ? errorFingerprint(attempt) : null,
    retryDelayMs: delayMs,
    extraAttempts: counts ? 0 : 1,
  };
}
