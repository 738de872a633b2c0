import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { median, percentile, randomArrivals, steadyRate } from '../../bench/statistics.ts';

describe('the benchmark counts right', () => {
  it('a percentile is one of the values, by nearest rank, whatever their order', () => {
    const values = Array.from({ length: 100 }, (_, position) => 100 - position);
    assert.equal(percentile(values, 0.99), 99);
    assert.equal(percentile(values, 0), 1);
    assert.equal(percentile(values, 1), 100);
    assert.equal(median([10, 9, 2]), 9);
    assert.equal(percentile([], 0.5), Number.NaN);
  });

  it('a rate is that of the middle: a flying start and a slow end do not count', () => {
    const steady = Array.from({ length: 80 }, (_, position) => 1000 + position * 20);
    const rate = steadyRate([...Array<number>(10).fill(0), ...steady, ...Array<number>(10).fill(60_000)]);
    assert.equal(rate, 50);
  });

  it('random arrivals come as often as asked, in order, and the same each time', () => {
    const arrivals = randomArrivals(10_000, 10);
    const seconds = (arrivals.at(-1) ?? 0) / 1000;
    assert.ok(Math.abs(seconds - 1000) < 50, `10,000 arrivals in ${seconds} s`);
    assert.deepEqual(
      arrivals,
      arrivals.toSorted((left, right) => left - right),
    );
    assert.deepEqual(arrivals, randomArrivals(10_000, 10));
  });
});
