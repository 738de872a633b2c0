import { setTimeout as delay } from 'node:timers/promises';
import { bootTimeMs } from '../../engine/runner/containment/boot-clock.ts';
import type { Store } from '../../engine/store/open-store.ts';

/** What two clocks showed at one time. */
export interface ClockSample {
  readonly bootMs: number;
  readonly databaseMs: number;
}

const everyMs = 1_000;
/** The answer came at once: between the two clocks lies no more than this. */
const exactMs = 50;

/** Reads the boot clock and the database's side by side until it is told to stop: what was seen by one is compared with what was recorded by the other. */
export async function sampleClocks(store: Store, stopping: AbortSignal): Promise<readonly ClockSample[]> {
  const samples: ClockSample[] = [];
  for (;;) {
    const bootMs = bootTimeMs();
    const databaseMs = await readDatabaseClock(store);
    if (databaseMs !== null && bootTimeMs() - bootMs <= exactMs) samples.push({ bootMs, databaseMs });
    if (stopping.aborted) return samples;
    await delay(everyMs, undefined, { signal: stopping }).catch(() => undefined);
  }
}

/** Null while the database is away. */
async function readDatabaseClock(store: Store): Promise<number | null> {
  const rows = await store
    .query<{ now: number }>({
      name: 'chaos_clock',
      text: 'select (extract(epoch from clock_timestamp()) * 1000)::double precision as now',
    })
    .catch(() => []);
  return rows[0]?.now ?? null;
}
