import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { platform } from 'node:process';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { bootTimeMs } from '../../../../src/engine/runner/containment/boot-clock.ts';

/** A reading of the clock, and the span of time in which it was made: the machine may do something else in between. */
function readBetween() {
  const from = performance.now();
  const ms = bootTimeMs();
  return { from, ms, to: performance.now() };
}

it('the clock of kill deadlines goes forward as time does', async () => {
  const before = readBetween();
  await delay(100);
  const after = readBetween();
  const passed = after.ms - before.ms;
  // Readings are rounded down to 10 ms.
  assert.ok(
    passed >= after.from - before.to - 20 && passed <= after.to - before.from + 20,
    JSON.stringify({ before, after }),
  );
});

it('it is the clock that counts suspend', { skip: platform !== 'linux' }, () => {
  const before = bootTimeMs();
  const seconds = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
  const after = bootTimeMs();
  const uptimeMs = Math.round(seconds * 1_000);
  assert.ok(before <= uptimeMs && uptimeMs <= after, JSON.stringify({ before, uptimeMs, after }));
});
