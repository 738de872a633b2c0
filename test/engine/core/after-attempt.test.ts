import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backOffMs } from '../../../src/engine/core/back-off.ts';
import { type AfterAttempt, decideAfterAttempt, outcomeOf } from '../../../src/engine/core/decide-after-attempt.ts';
import type { RunningEvent } from '../../../src/engine/core/run-transitions.ts';
import { outcomes } from '../../../src/engine/core/run.ts';

const after = (event: RunningEvent, more: Partial<AfterAttempt> = {}): AfterAttempt => ({
  event,
  delayMs: null,
  counts: true,
  ...more,
});
const end = { attemptNumber: 1, attemptLimit: 5, cancelRequested: false, random: 0 };

test('promise 3: an answer is final, whatever else is true of the run', () => {
  fc.assert(
    fc.property(
      fc.record({
        attemptNumber: fc.integer({ min: 1, max: 9 }),
        attemptLimit: fc.integer({ min: 1, max: 9 }),
        cancelRequested: fc.boolean(),
      }),
      (run) => {
        assert.deepEqual(decideAfterAttempt({ ...run, random: 0, outcome: 'returned' }), after('returned'));
        assert.deepEqual(decideAfterAttempt({ ...run, random: 0, outcome: 'threw' }), after('threw'));
      },
    ),
  );
});

test('promise 3: an answer that is stored is how its attempt ended, whatever ended its processes; without one it ended as was seen', () => {
  for (const outcome of outcomes) {
    for (const storedAnswer of ['returned', 'threw'] as const)
      assert.equal(outcomeOf({ outcome, storedAnswer }), storedAnswer);
    assert.equal(outcomeOf({ outcome, storedAnswer: null }), outcome);
  }
});

test('promise 4: no answer is retried until the last attempt, then the run is dead', () => {
  for (const outcome of outcomes.filter((each) => !['returned', 'threw', 'cancelled'].includes(each))) {
    assert.deepEqual(decideAfterAttempt({ ...end, outcome }), after('backed_off', { delayMs: 1000 }));
    assert.deepEqual(decideAfterAttempt({ ...end, outcome, attemptNumber: 5 }), after('given_up'));
    assert.deepEqual(decideAfterAttempt({ ...end, outcome, cancelRequested: true }), after('cancelled'));
  }
});

test('a draining runner gives the attempt back; a cancelled run is cancelled', () => {
  assert.deepEqual(decideAfterAttempt({ ...end, outcome: 'cancelled' }), after('given_back', { counts: false }));
  assert.deepEqual(
    decideAfterAttempt({ ...end, outcome: 'cancelled', attemptNumber: 5 }),
    after('given_back', { counts: false }),
  );
  assert.deepEqual(decideAfterAttempt({ ...end, outcome: 'cancelled', cancelRequested: true }), after('cancelled'));
});

test('promise 4: an attempt that its machine could not begin does not count, at whatever number, and is tried again after a second', () => {
  for (const attemptNumber of [1, 5])
    assert.deepEqual(
      decideAfterAttempt({ ...end, outcome: 'lost', isMachineFault: true, attemptNumber }),
      after('backed_off', { delayMs: 1000, counts: false }),
    );
  assert.deepEqual(
    decideAfterAttempt({ ...end, outcome: 'lost', isMachineFault: true, random: 0.5 }),
    after('backed_off', { delayMs: 1100, counts: false }),
  );
  assert.deepEqual(
    decideAfterAttempt({ ...end, outcome: 'lost', isMachineFault: true, cancelRequested: true }),
    after('cancelled'),
  );
});

test('a fault of the machine takes nothing from the count of an attempt that came to an end of its own', () => {
  for (const outcome of outcomes.filter((each) => each !== 'lost')) {
    assert.deepEqual(
      decideAfterAttempt({ ...end, outcome, isMachineFault: true, attemptNumber: 5 }),
      decideAfterAttempt({ ...end, outcome, attemptNumber: 5 }),
    );
  }
});

test('the back-off doubles from one second, with jitter, and is capped', () => {
  assert.deepEqual(
    [1, 2, 3, 4].map((number) => backOffMs(number, 0)),
    [1000, 2000, 4000, 8000],
  );
  assert.equal(backOffMs(1000, 0), 300_000);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const delay = backOffMs(attempt, random);
      assert.ok(delay >= Math.min(1000 * 2 ** (attempt - 1), 300_000) && delay <= 360_000);
    }),
  );
});
