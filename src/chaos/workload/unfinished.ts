import { setTimeout as delay } from 'node:timers/promises';
import type { Queryable, Store } from '../../engine/store/open-store.ts';
import { retryUntil } from '../retry-until.ts';

interface Unfinished {
  readonly runs: number;
  readonly unfinished: number;
  /** Grows with every attempt that is claimed and every run that ends: when it stands still, nothing happens. */
  readonly steps: number;
}

export async function countUnfinished(db: Queryable): Promise<Unfinished> {
  const [row] = await db.query<Unfinished>({
    name: 'chaos_unfinished',
    text: `
      select count(*)::integer as runs, count(*) filter (where state in ('queued', 'running'))::integer as unfinished,
        (coalesce(sum(attempt_count), 0) + count(*) filter (where state not in ('queued', 'running')))::integer as steps
      from cloudcode.runs`,
  });
  return row ?? { runs: 0, unfinished: 0, steps: 0 };
}

const lookMs = 500;
/** Longer than any back-off, lease and task of a campaign together. When nothing has happened for so long, nothing will. */
const standstillMs = 60_000;

/** Resolves when every run is finished. @returns how many are not, when nothing has happened for a minute */
export async function waitUntilFinished(store: Store, stopping: AbortSignal): Promise<number> {
  let steps = -1;
  let since = performance.now();
  for (;;) {
    const now = await retryUntil(stopping, () => countUnfinished(store));
    if (now === null || now.unfinished === 0) return now?.unfinished ?? 0;
    if (now.steps !== steps) since = performance.now();
    steps = now.steps;
    if (performance.now() - since > standstillMs) return now.unfinished;
    await delay(lookMs);
  }
}
