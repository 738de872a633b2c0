import { setTimeout as delay } from 'node:timers/promises';

export interface Slices {
  /** Rows of the first slice, and of the largest. */
  readonly first: number;
  readonly largest: number;
  /** Ends the work after the slice that is under way. */
  readonly stopping: AbortSignal;
}

/** One that takes longer is followed by a smaller one. */
const slowMs = 1_000;
/** What waits for the database goes between two slices. */
const pauseMs = 20;

/**
 * Does work in slices, until `slice`, which is told how many rows it may be of, resolves to false: nothing is left. One that fails, as by the time that a statement may take, is tried again with
 * half the rows, and fails for good with a single one. They grow again: to the double until the first failure, by a tenth after it.
 */
export async function inSlices(
  slice: (rows: number) => Promise<boolean>,
  { first, largest, stopping }: Slices,
): Promise<void> {
  let growth = 2;
  for (let rows = first; !stopping.aborted;) {
    const began = performance.now();
    try {
      if (!(await slice(rows))) return;
      const isSlow = performance.now() - began > slowMs;
      rows = isSlow ? half(rows) : Math.min(largest, Math.ceil(rows * growth));
    } catch (error) {
      if (rows === 1) throw error;
      rows = half(rows);
      growth = 1.1;
    }
    await delay(pauseMs);
  }
}

function half(rows: number): number {
  return Math.max(1, Math.floor(rows / 2));
}
