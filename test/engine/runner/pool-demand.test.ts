import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  afterTake,
  maxWaiting,
  nextForgetting,
  noDemand,
  type PoolDemand,
  rememberMs,
  wantedWorkers,
} from '../../../src/engine/runner/pool-demand.ts';

const spanMs = 100;

function taken(times: readonly number[], need = 1024, before: PoolDemand<number> = noDemand(1024)): PoolDemand<number> {
  return times.reduce((demand, at) => afterTake(demand, { need, at, spanMs }), before);
}

function wanted(demand: PoolDemand<number>, at: number, max = 16): readonly (readonly [number, number])[] {
  return [...wantedWorkers(demand, { at, max })].sort(([left], [right]) => left - right);
}

test('two workers wait when nothing was taken: of the size that is expected', () => {
  assert.deepEqual(wanted(noDemand(512), 0), [[512, 2]]);
  assert.deepEqual(wanted(noDemand(512), 0, 1), [[512, 1]]);
});

test('as many wait as were taken before any of them could be replaced', () => {
  assert.deepEqual(wanted(taken([0, 10, 20, 30, 40]), 50), [[1024, 5]]);
  assert.deepEqual(wanted(taken([0, 50, 100, 150, 200, 250]), 250), [[1024, 2]], 'evenly, two within a span');
  assert.deepEqual(wanted(taken([0, 100, 200, 300]), 300), [[1024, 2]], 'one after the other: no more than ever');
});

test('the slower a start, the more of them wait', () => {
  const slowly = [0, 50, 100, 150, 200].reduce(
    (demand, at) => afterTake(demand, { need: 1024, at, spanMs: 1000 }),
    noDemand(1024),
  );
  assert.deepEqual(wanted(slowly, 200), [[1024, 5]]);
});

test('a burst is remembered for ten minutes, then the next smaller one, then none', () => {
  const demand = taken([0, 1, 2, 3, 4, 5, 300_000, 300_001, 300_002]);
  assert.deepEqual(wanted(demand, rememberMs + 4), [[1024, 6]]);
  assert.equal(nextForgetting(demand, 300_002), rememberMs + 5);
  assert.deepEqual(wanted(demand, rememberMs + 5), [[1024, 3]]);
  assert.equal(nextForgetting(demand, rememberMs + 5), rememberMs + 300_002);
  assert.deepEqual(wanted(demand, rememberMs + 300_002), [[1024, 2]]);
  assert.equal(nextForgetting(demand, rememberMs + 300_002), null);
});

test('a larger burst takes the place of smaller ones, and one of the same size makes it younger', () => {
  assert.equal(nextForgetting(taken([0, 1, 2, 5000, 5001, 5002, 5003]), 5003), 5003 + rememberMs);
  assert.equal(nextForgetting(taken([0, 1, 5000, 5001]), 5001), 5001 + rememberMs);
});

test('each size has its own, and there are never more than may run, of which the last taken get theirs first', () => {
  const demand = taken([20, 21], 256, taken([0, 1, 2, 3]));
  assert.deepEqual(wanted(demand, 21), [
    [256, 2],
    [1024, 4],
  ]);
  assert.deepEqual(wanted(demand, 21, 5), [
    [256, 2],
    [1024, 3],
  ]);
  assert.deepEqual(wanted(demand, 21, 1), [[256, 1]]);
  assert.deepEqual(
    wanted(demand, 21 + rememberMs),
    [[256, 2]],
    'after long silence the size of the last one is expected',
  );
});

test('what is remembered does not grow with the number of takes or sizes', () => {
  let demand = noDemand(1024);
  for (let n = 0; n < 1_000; n += 1) demand = afterTake(demand, { need: 1 + n, at: n * 10_000, spanMs });
  assert.equal(demand.needs.size, rememberMs / 10_000);
  const often = taken(Array.from({ length: 2_000 }, (_, n) => n * 10)).needs.get(1024);
  assert.deepEqual([often?.takes.length, often?.peaks.length], [10, 1]);
});

test('twice as many may wait as may run, holding at most a tenth of the memory that is to be had; one may always wait', () => {
  const mebibyte = 1024 * 1024;
  assert.equal(maxWaiting(8, 16_384 * mebibyte), 16);
  assert.equal(maxWaiting(64, 900 * mebibyte), 10);
  assert.equal(maxWaiting(8, 0), 1);
});
