import { newestRuns } from './newest-runs.ts';
import type { Queryable } from './open-store.ts';
import type { RunFilter } from './run-filter.ts';

/** The newest runs of a filter, without what they hold, newest first. */
export function readRunIds(
  db: Queryable,
  environmentId: number,
  { limit, ...filter }: RunFilter & { readonly limit: number },
): Promise<readonly { readonly id: string; readonly seq: string }[]> {
  const newest = newestRuns(environmentId, filter, limit);
  return db.query({
    // Planned for the values, as lists are.
    name: '',
    text: `${newest.text}
      select id, seq::text as seq from newest order by newest.seq desc`,
    values: newest.values,
    limitMs: 60_000,
  });
}
