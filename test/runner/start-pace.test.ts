import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterStart, replaceMs, startsAtOnce, type StartPace } from '../../src/runner/start-pace.ts';

function after(...times: readonly number[]): StartPace | null {
  return times.reduce<StartPace | null>((pace, tookMs) => afterStart(pace, tookMs), null);
}

test('as many spares may be starting as there are processors, also before any start was seen', () => {
  assert.equal(startsAtOnce(null, 4), 4);
  assert.equal(startsAtOnce(after(40, 55, 79), 4), 4);
});

test('when a start took more than twice the time of the fastest, somebody needs the processors: one spare at a time, until a start is fast again', () => {
  assert.equal(startsAtOnce(after(40, 81), 4), 1);
  assert.equal(startsAtOnce(after(40, 400, 400, 400), 4), 1, 'however long it lasts');
  assert.equal(startsAtOnce(after(40, 400, 45), 4), 4);
});

test('the time to replace a worker follows that of the last starts, and one start that hung says little', () => {
  assert.equal(replaceMs(null), 200);
  assert.equal(replaceMs(after(40)), 80);
  assert.equal(replaceMs(after(40, 90)), 100);
  assert.equal(replaceMs(after(40, 3_600_000)), 2 * (40 + 0.2 * 960));
});
