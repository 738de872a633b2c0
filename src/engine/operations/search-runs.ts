import { maxSearched } from '../core/list-limits.ts';
import type { Queryable } from '../store/open-store.ts';
import type { RunFilter } from '../store/run-filter.ts';
import { type FoundRun, readNewestSeq, searchNewest } from '../store/search-runs.ts';

/** About as many one statement looks at: most searches find enough among the first. */
const atOnce = 1_000;

export interface RunSearch {
  readonly text: string;
  /** How many earlier pages have looked at. */
  readonly searched: number;
  readonly limit: number;
}

export interface FoundPage {
  readonly found: readonly FoundRun[];
  /** How many of the newest runs of the filter were looked at up to the end of this page. */
  readonly searched: number;
  readonly isMore: boolean;
}

/** Finds a page of the runs in whose parameters or errors there is a text. Looks at one stretch of the order of scheduling after the other, each as long as it takes for about a thousand runs of the filter. */
export async function searchRuns(
  db: Queryable,
  environmentId: number,
  { text, searched: before, limit }: RunSearch,
  filter: RunFilter,
): Promise<FoundPage> {
  const all: FoundRun[] = [];
  const newest = await readNewestSeq(db, environmentId, filter);
  let searched = before;
  let [end, length] = [newest === null ? 0n : BigInt(newest) + 1n, BigInt(atOnce)];
  while (end > 0n && all.length <= limit && searched < maxSearched) {
    const start = end > length ? end - length : 0n;
    const stretch = { ...filter, fromSeq: String(start), beforeSeq: String(end) };
    const search = { text, limit: Math.min(atOnce, maxSearched - searched) };
    const { looked, lastSeq, found } = await searchNewest(db, environmentId, { ...stretch, ...search });
    const lookedBefore = searched;
    all.push(...found.map((run) => ({ ...run, place: lookedBefore + run.place })));
    searched += looked;
    end = looked === search.limit && lastSeq !== null ? BigInt(lastSeq) : start;
    if (looked < atOnce / 2) length *= 4n;
  }
  const page = all.slice(0, limit);
  const isMore = all.length > limit;
  return { found: page, searched: isMore ? (page.at(-1)?.place ?? searched) : searched, isMore };
}
