/** How many workers should wait for each need (of a heap's size, say), by what was taken. All of it is values; times are milliseconds of one monotonic clock. */
export interface PoolDemand<Need> {
  /** What is expected when nothing was taken for long: the need of the last take. */
  readonly expected: Need;
  /** By need, the one that was taken for last at the end. */
  readonly needs: ReadonlyMap<Need, NeedDemand>;
}

interface NeedDemand {
  /** When workers were taken, within the last span. */
  readonly takes: readonly number[];
  /** How many were taken within one span, and when: each larger than all that came later. */
  readonly peaks: readonly Peak[];
}

interface Peak {
  readonly at: number;
  readonly count: number;
}

export interface Take<Need> {
  /** Told apart by identity. */
  readonly need: Need;
  readonly at: number;
  /** Workers taken within this span of one another cannot be replaced in time for one another. */
  readonly spanMs: number;
}

/** A burst that comes every five minutes finds its workers waiting; one that comes every hour does not. */
export const rememberMs = 600_000;
/** Two that come together after a long silence are served at once. */
const minWaiting = 2;
/** What a waiting worker has to itself; the rest of its memory it shares with all others. */
const workerBytes = 9 * 1024 * 1024;
/** What waiting workers may hold of the memory that is to be had. */
const memoryShare = 0.1;

export function noDemand<Need>(expected: Need): PoolDemand<Need> {
  return { expected, needs: new Map() };
}

export function afterTake<Need>({ needs }: PoolDemand<Need>, { need, at, spanMs }: Take<Need>): PoolDemand<Need> {
  const others = [...needs].filter(([other, { peaks }]) => other !== need && livingPeaks(peaks, at).length > 0);
  const known = needs.get(need) ?? { takes: [], peaks: [] };
  const takes = [...known.takes.filter((time) => at - time < spanMs), at];
  const peaks = [
    ...livingPeaks(known.peaks, at).filter(({ count }) => count > takes.length),
    { at, count: takes.length },
  ];
  return { expected: need, needs: new Map([...others, [need, { takes, peaks }]]) };
}

/**
 * For each need as many as were taken for it at most within one span, for as long as that is remembered; never more than `most` together, of which those needs get theirs first that were taken for last;
 * and never fewer than two together, where `most` allows it.
 */
export function wantedWorkers<Need>(
  { expected, needs }: PoolDemand<Need>,
  { at, max }: { readonly at: number; readonly max: number },
): ReadonlyMap<Need, number> {
  const wanted = new Map<Need, number>();
  let left = max;
  for (const [need, { peaks }] of [...needs].reverse()) {
    const count = Math.min(livingPeaks(peaks, at)[0]?.count ?? 0, left);
    if (count > 0) wanted.set(need, count);
    left -= count;
  }
  const lacking = Math.min(minWaiting, max) - (max - left);
  if (lacking > 0) wanted.set(expected, (wanted.get(expected) ?? 0) + lacking);
  return wanted;
}

/** When `wantedWorkers` will say something else though nothing is taken; null for never. */
export function nextForgetting<Need>({ needs }: PoolDemand<Need>, at: number): number | null {
  const times = [...needs.values()].flatMap(({ peaks }) => livingPeaks(peaks, at).map((peak) => peak.at + rememberMs));
  return times.length === 0 ? null : Math.min(...times);
}

/**
 * How many may wait at all: twice as many as may run at a time (short runs make room long before their workers are replaced), and no more than a tenth of the memory that is to be had;
 * at least one.
 */
export function maxWaiting(concurrency: number, availableBytes: number): number {
  return Math.max(1, Math.min(2 * concurrency, Math.floor((availableBytes * memoryShare) / workerBytes)));
}

function livingPeaks(peaks: readonly Peak[], at: number): readonly Peak[] {
  return peaks.filter((peak) => at - peak.at < rememberMs);
}
