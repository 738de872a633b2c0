import type { History } from './history.ts';

/** A time of the boot clock by the database's clock, as the nearest sample of both has it; null without samples. */
export function databaseTime(samples: History['clockSamples'], bootMs: number): number | null {
  let nearest: History['clockSamples'][number] | null = null;
  for (const sample of samples)
    if (nearest === null || Math.abs(sample.bootMs - bootMs) < Math.abs(nearest.bootMs - bootMs)) nearest = sample;
  return nearest === null ? null : nearest.databaseMs + (bootMs - nearest.bootMs);
}
