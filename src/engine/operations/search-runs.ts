import { maxSearched } from '../core/list-limits.ts';
import type { Queryable } from '../store/open-store.ts';
import type { RunFilter } from '../store/run-filter.ts';
import { type FoundRun, searchNewest } from '../store/search-runs.ts';

/** Those that one statement looks at: most searches find enough among the first. */
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

/** Finds a page of the runs in whose parameters or errors there is a text. */
export async function searchRuns(
  db: Queryable,
  environmentId: number,
  { text, searched: before, limit }: RunSearch,
  filter: RunFilter,
): Promise<FoundPage> {
  const all: FoundRun[] = [];
  let [searched, beforeSeq, isEnd] = [before, filter.beforeSeq, false];
  while (!isEnd && all.length <= limit && searched < maxSearched) {
    const many = Math.min(atOnce, maxSearched - searched);
    const { looked, lastSeq, found } = await searchNewest(db, environmentId, {
      ...filter,
      beforeSeq,
      text,
      limit: many,
    });
    const lookedBefore = searched;
    all.push(...found.map((run) => ({ ...run, place: lookedBefore + run.place })));
    searched += looked;
    beforeSeq = lastSeq;
    isEnd = looked < many;
  }
  const page = all.slice(0, limit);
  const isMore = all.length > limit;
  return { found: page, searched: isMore ? (page.at(-1)?.place ?? searched) : searched, isMore };
}
