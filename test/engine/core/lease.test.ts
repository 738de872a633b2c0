import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  killDeadline,
  maxLeaseMs,
  renewEveryMs,
  seeLease,
  minLeaseMs,
  silenceLeftMs,
} from '../../../src/engine/core/lease.ts';

for (const leaseMs of [minLeaseMs, 2_003, 15_000, maxLeaseMs]) {
  test(`a lease of ${leaseMs} ms: however late the answers come, workers end a fifth of it before anybody takes over`, () => {
    const askedAt = 1_000;
    for (const commitMs of [0, 1, 700, leaseMs]) {
      for (const answerMs of [0, 1, 700]) {
        // Another runner cannot see a renewal before it is committed, and that is after it was asked for.
        const seenAt = askedAt + commitMs + answerMs;
        const takenOverAt = seenAt + silenceLeftMs(seeLease(undefined, '7', seenAt), leaseMs, seenAt);
        assert.ok(takenOverAt - killDeadline(askedAt, leaseMs) >= leaseMs / 5);
      }
    }
  });

  test(`a lease of ${leaseMs} ms: three renewals in a row may fail`, () => {
    assert.ok(killDeadline(0, leaseMs) - 3 * renewEveryMs(leaseMs) > 0);
  });
}

test('silence is counted from the first look that saw a number of renewals, and anew with every other number', () => {
  const first = seeLease(undefined, '7', 100);
  const second = seeLease(first, '7', 900);
  assert.deepEqual([second.since, silenceLeftMs(second, 2_000, 900)], [100, 1_200]);
  const renewed = seeLease(second, '8', 950);
  assert.deepEqual([renewed.since, silenceLeftMs(renewed, 2_000, 950)], [950, 2_000]);
  assert.equal(silenceLeftMs(renewed, 2_000, 5_000), 0);
});
