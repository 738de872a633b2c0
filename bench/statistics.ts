/** The value below which the given share (0 to 1) of the values lies: nearest rank. NaN for no values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/**
 * Things per second in the middle 80 % of their finishing times (in ms). The first tenth would flatter a pool that waits with workers
 * ready, the last tenth would punish whatever runs out of work.
 */
export function steadyRate(finishTimes: readonly number[]): number {
  const sorted = finishTimes.toSorted((left, right) => left - right);
  const edge = Math.floor(sorted.length / 10);
  const middle = sorted.slice(edge, sorted.length - edge);
  const first = middle[0];
  const last = middle.at(-1);
  if (first === undefined || last === undefined || last <= first) return Number.NaN;
  return ((middle.length - 1) * 1000) / (last - first);
}

/** Times (in ms from 0) of arrivals at random, on average `perSecond` of them; the same on every call. */
export function randomArrivals(count: number, perSecond: number): readonly number[] {
  let state = 20_240_229;
  let at = 0;
  return Array.from({ length: count }, () => {
    // A linear congruential generator (Numerical Recipes): good enough for gaps, and repeatable.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    at += (-Math.log((state + 1) / 4_294_967_297) * 1000) / perSecond;
    return at;
  });
}
