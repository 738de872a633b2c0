/** How many workers of each heap size should wait, by what was taken. All of it is values; times are milliseconds of one monotonic clock. */
export interface PoolDemand {
  /** The size that is expected when nothing was taken for long: that of the last take. */
  readonly expectedMb: number;
  /** By size, the one that was taken last at the end. */
  readonly sizes: ReadonlyMap<number, SizeDemand>;
}

interface SizeDemand {
  /** When workers were taken, within the last span. */
  readonly takes: readonly number[];
  /** How many were taken within one span, and when: each larger than all that came later. */
  readonly peaks: readonly Peak[];
}

interface Peak {
  readonly at: number;
  readonly count: number;
}

export interface Take {
  readonly memoryMb: number;
  readonly at: number;
  /** Workers taken within this span of one another cannot be replaced in time for one another. */
  readonly spanMs: number;
}

/** A burst that comes every five minutes finds its workers waiting; one that comes every hour does not. */
export const rememberMs = 600_000;
/** Two that come together after a long silence are served at once. */
const leastWaiting = 2;
/** What a waiting worker has to itself; the rest of its memory it shares with all others. */
const workerBytes = 9 * 1024 * 1024;
/** What waiting workers may hold of the memory that is to be had. */
const memoryShare = 0.1;

export function noDemand(expectedMb: number): PoolDemand {
  return { expectedMb, sizes: new Map() };
}

export function afterTake({ sizes }: PoolDemand, { memoryMb, at, spanMs }: Take): PoolDemand {
  const others = [...sizes].filter(([size, { peaks }]) => size !== memoryMb && livingPeaks(peaks, at).length > 0);
  const known = sizes.get(memoryMb) ?? { takes: [], peaks: [] };
  const takes = [...known.takes.filter((time) => at - time < spanMs), at];
  const peaks = [...livingPeaks(known.peaks, at).filter(({ count }) => count > takes.length), { at, count: takes.length }];
  return { expectedMb: memoryMb, sizes: new Map([...others, [memoryMb, { takes, peaks }]]) };
}

/**
 * For each size as many as were taken of it at most within one span, for as long as that is remembered; never more than `most` together, of which those sizes get theirs first that were taken last;
 * and never fewer than two together, where `most` allows it.
 */
export function wantedWorkers({ expectedMb, sizes }: PoolDemand, { at, most }: { readonly at: number; readonly most: number }): ReadonlyMap<number, number> {
  const wanted = new Map<number, number>();
  let left = most;
  for (const [size, { peaks }] of [...sizes].reverse()) {
    const count = Math.min(livingPeaks(peaks, at)[0]?.count ?? 0, left);
    if (count > 0) wanted.set(size, count);
    left -= count;
  }
  const lacking = Math.min(leastWaiting, most) - (most - left);
  if (lacking > 0) wanted.set(expectedMb, (wanted.get(expectedMb) ?? 0) + lacking);
  return wanted;
}

/** When `wantedWorkers` will say something else though nothing is taken; null for never. */
export function nextForgetting({ sizes }: PoolDemand, at: number): number | null {
  const times = [...sizes.values()].flatMap(({ peaks }) => livingPeaks(peaks, at).map((peak) => peak.at + rememberMs));
  return times.length === 0 ? null : Math.min(...times);
}

/**
 * How many may wait at all: twice as many as may run at a time (short runs make room long before their workers are replaced), and no more than a tenth of the memory that is to be had;
 * at least one.
 */
export function mostWaiting(concurrency: number, availableBytes: number): number {
  return Math.max(1, Math.min(2 * concurrency, Math.floor((availableBytes * memoryShare) / workerBytes)));
}

function livingPeaks(peaks: readonly Peak[], at: number): readonly Peak[] {
  return peaks.filter((peak) => at - peak.at < rememberMs);
}
