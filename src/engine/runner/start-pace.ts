/** How long workers of one kind take from their start until they wait for a run, in milliseconds. */
export interface StartPace {
  readonly fastestMs: number;
  readonly lastMs: number;
  /** The mean of the last few. */
  readonly usualMs: number;
}

/** What is taken for the usual time before any start was seen. */
const assumedMs = 100;
/** Beyond this a start tells of the machine's troubles, not of how many workers should wait. */
const maxUsualMs = 1_000;
const weightOfLast = 0.2;
/** A start that takes this many times the fastest one shares the processors with other work. */
const crowdedFactor = 2;

export function afterStart(pace: StartPace | null, tookMs: number): StartPace {
  const counted = Math.min(tookMs, maxUsualMs);
  if (pace === null) return { fastestMs: tookMs, lastMs: tookMs, usualMs: counted };
  return {
    fastestMs: Math.min(pace.fastestMs, tookMs),
    lastMs: tookMs,
    usualMs: pace.usualMs + weightOfLast * (counted - pace.usualMs),
  };
}

/** The time in which what was taken is not replaced yet: that of one start, and as long again as a margin. */
export function replaceMs(pace: StartPace | null): number {
  return 2 * (pace?.usualMs ?? assumedMs);
}

/**
 * How many spares may be starting at a time: one for each processor; one alone when the last start was slow, because then somebody needs the processors, and the next start tells whether that is still so. When
 * none waits the next run needs what is started, and that is no time to be sparing.
 */
export function sparesAtOnce(
  pace: StartPace | null,
  { processors, anyWaits }: { readonly processors: number; readonly anyWaits: boolean },
): number {
  const isCrowded = pace !== null && pace.lastMs > crowdedFactor * pace.fastestMs;
  return isCrowded && anyWaits ? 1 : processors;
}
