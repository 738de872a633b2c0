import path from 'node:path';
import { importFolder, writeJson } from '../../src/import-folder.ts';
import { summariseMonth } from '../../src/month.ts';
import type { WeatherDay } from '../../src/weather-file.ts';

interface Parameters {
  readonly importId: string;
  readonly partial: string;
  readonly days: readonly WeatherDay[];
}

/** Sums up the days of one month that one piece of the file held. Its days are in the parameters, so it needs nothing else. */
export async function run({ importId, partial, days }: Parameters) {
  const summary = summariseMonth(days);
  // A second attempt writes the same file with the same content: "at least once" becomes "once" in what is seen.
  await writeJson(path.join(importFolder(importId), 'partials', `${path.basename(partial)}.json`), summary);
  console.log(
    `${summary.location} ${summary.month}: ${summary.days} days, ${(summary.precipitation / 10).toFixed(1)} mm`,
  );
  return { location: summary.location, month: summary.month, days: summary.days };
}
