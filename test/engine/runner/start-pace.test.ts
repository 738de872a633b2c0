import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterStart, replaceMs, sparesAtOnce, type StartPace } from '../../../src/engine/runner/start-pace.ts';

function after(...times: readonly number[]): StartPace | null {
  return times.reduce<StartPace | null>((pace, tookMs) => afterStart(pace, tookMs), null);
}

const machine = { processors: 4, anyWaits: true };

test('as many spares may be starting as there are processors, also before any start was seen', () => {
  assert.equal(sparesAtOnce(null, machine), 4);
  assert.equal(sparesAtOnce(after(40, 55, 79), machine), 4);
});

test('when a start took more than twice the time of the fastest, somebody needs the processors: one spare at a time, until a start is fast again', () => {
  assert.equal(sparesAtOnce(after(40, 81), machine), 1);
  assert.equal(sparesAtOnce(after(40, 400, 400, 400), machine), 1, 'however long it lasts');
  assert.equal(sparesAtOnce(after(40, 400, 45), machine), 4);
});

test('when no worker waits the next run needs what is started: no start is put off, but those beyond the processors', () => {
  assert.equal(sparesAtOnce(after(40, 400), { processors: 4, anyWaits: false }), 4);
});

test('the time to replace a worker follows that of the last starts, and one start that hung says little', () => {
  assert.equal(replaceMs(null), 200);
  assert.equal(replaceMs(after(40)), 80);
  assert.equal(replaceMs(after(40, 90)), 100);
  assert.equal(replaceMs(after(40, 3_600_000)), 2 * (40 + 0.2 * 960));
});
