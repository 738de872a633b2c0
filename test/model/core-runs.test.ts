import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backOffMs } from '../../src/engine/core/back-off.ts';
import { decideAfterAttempt, outcomeOf } from '../../src/engine/core/decide-after-attempt.ts';
import { type AnswerOutcome, isFinal, type Outcome, outcomes, type RunState } from '../../src/engine/core/run.ts';
import { runTransitions, stateAfterRunning } from '../../src/engine/core/run-transitions.ts';
import { budgetMs, chooseSeed, within } from './budget.ts';

// The life of one run, by what core decides: from its first claim to its end, and through retries by hand.

interface Happening {
  /** As its runner saw it, or another that took the run back. */
  readonly seen: Outcome;
  /** What it had answered before its end. */
  readonly answer: AnswerOutcome | null;
  readonly isCancelled: boolean;
  readonly isMachineFault: boolean;
  readonly random: number;
  /** Whether somebody retries it, once it has ended. */
  readonly isRetried: boolean;
}

const happenings = fc.array(
  fc.record({
    seen: fc.constantFrom(...outcomes),
    answer: fc.constantFrom<AnswerOutcome | null>('returned', 'threw', null, null, null, null),
    isCancelled: fc.constantFrom(true, false, false, false),
    isMachineFault: fc.boolean(),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    isRetried: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40, size: 'max' },
);

interface Life {
  state: RunState;
  count: number;
  limit: number;
  /** Attempts since the run was scheduled or retried by hand, without those that were given back. */
  spent: number;
}

/** One attempt, and what the promises say of it. */
function liveOn(
  life: Life,
  { seen, answer, isCancelled, isMachineFault, random }: Happening,
  maxAttempts: number,
): void {
  const outcome = outcomeOf({ outcome: seen, storedAnswer: answer });
  life.count += 1;
  life.spent += 1;
  assert.ok(life.count <= life.limit, 'what the database would refuse: attempts_within_limit');
  const after = decideAfterAttempt({
    outcome,
    attemptNumber: life.count,
    attemptLimit: life.limit,
    cancelRequested: isCancelled,
    isMachineFault,
    random,
  });
  const arrow = runTransitions.find((each) => each.from === 'running' && each.event === after.event);
  assert.ok(arrow !== undefined);
  assert.equal(stateAfterRunning(after.event), arrow.to);
  life.state = arrow.to;

  assert.ok(
    answer === null || life.state === (answer === 'returned' ? 'succeeded' : 'failed'),
    'promise 3, whatever came after the answer',
  );
  const isAnswer = outcome === 'returned' || outcome === 'threw';
  assert.equal(life.state === 'succeeded', outcome === 'returned', 'promise 3');
  assert.equal(life.state === 'failed', outcome === 'threw', 'promise 3');
  assert.equal(
    life.state === 'cancelled',
    isCancelled && !isAnswer,
    'who cancels a run without an answer gets what was asked for',
  );
  if (!after.counts) {
    assert.ok(after.event === 'given_back' ? outcome === 'cancelled' : outcome === 'lost' && isMachineFault);
    life.limit += 1;
    life.spent -= 1;
  }
  if (life.state === 'dead') assert.equal(life.spent, maxAttempts, 'promise 4: not before its last attempt');
  if (after.event !== 'backed_off' || !after.counts) return;
  assert.ok(life.spent < maxAttempts, 'promise 4: a finite number of times');
  assert.equal(after.delayMs, backOffMs(life.count, random));
  const least = Math.min(1000 * 2 ** (life.count - 1), 300_000);
  assert.ok(after.delayMs >= least && after.delayMs <= least * 1.2, `${after.delayMs} ms after attempt ${life.count}`);
}

test('the life of a run: whatever happens to it, core decides as the promises say', (context) => {
  const seed = chooseSeed();
  let [lives, attempts] = [0, 0];
  const property = fc.property(happenings, fc.integer({ min: 1, max: 6 }), (all, maxAttempts) => {
    const life: Life = { state: 'queued', count: 0, limit: maxAttempts, spent: 0 };
    lives += 1;
    for (const happening of all) {
      liveOn(life, happening, maxAttempts);
      attempts += 1;
      if (!isFinal(life.state)) continue;
      const retried = runTransitions.find(({ from, event }) => from === life.state && event === 'retried');
      assert.equal(retried === undefined, life.state === 'succeeded', 'only a run that succeeded stays so for ever');
      if (retried === undefined || !happening.isRetried) return;
      Object.assign(life, { state: retried.to, limit: life.count + maxAttempts, spent: 0 });
    }
  });
  fc.assert(property, { seed, numRuns: 1_000_000, plugins: [within(budgetMs(1_000))] });
  context.diagnostic(`seed ${seed}: ${lives} lives, ${attempts} attempts`);
});
