import type { IndexedHistory } from '../index-history.ts';
import type { Case } from '../verdict.ts';

/** Promise 3. What is over begins again only when `runs retry` was asked for, once for each time. */
export function findRetriedAfterAnswer({ changesOfRun, retried }: IndexedHistory): readonly Case[] {
  const asked = Map.groupBy(retried, (run) => run);
  return [...changesOfRun].flatMap(([run, changes]) => {
    const revivals = changes.filter(({ before, after }) => before !== null && before !== 'queued' && before !== 'running' && (after === 'queued' || after === 'running'));
    const unasked = revivals.slice(asked.get(run)?.length ?? 0);
    return unasked.map(({ before, after }): Case => ({ count: 'retriedAfterAnswer', run, what: `was ${before} and became ${after}, and nobody had asked for that` }));
  });
}
