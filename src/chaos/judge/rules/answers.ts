import type { IndexedHistory } from '../index-history.ts';
import type { Case } from '../verdict.ts';

/** Promise 3: an answer ends its run, and what is over begins again only when `runs retry` was asked for. */
export function findRetriedAfterAnswer(history: IndexedHistory): readonly Case[] {
  return [...unheededAnswers(history), ...unaskedRevivals(history)];
}

const endedBy: Readonly<Partial<Record<string, string>>> = { returned: 'succeeded', threw: 'failed' };

function unheededAnswers({ ends, changes }: IndexedHistory): readonly Case[] {
  const became = new Map(changes.filter(({ before }) => before === 'running').map(({ run, xid, after }) => [`${run} ${xid}`, after]));
  return ends.flatMap(({ run, xid, number, outcome }): readonly Case[] => {
    const [wanted, after] = [endedBy[outcome], became.get(`${run} ${xid}`)];
    if (wanted === undefined || after === undefined || after === wanted) return [];
    return [{ count: 'retriedAfterAnswer', run, what: `${outcome} in attempt ${number} and became ${after}` }];
  });
}

/** One revival for each time that it was asked for. */
function unaskedRevivals({ changesOfRun, retried }: IndexedHistory): readonly Case[] {
  const asked = Map.groupBy(retried, (run) => run);
  return [...changesOfRun].flatMap(([run, changes]) => {
    const revivals = changes.filter(({ before, after }) => before !== null && before !== 'queued' && before !== 'running' && (after === 'queued' || after === 'running'));
    const unasked = revivals.slice(asked.get(run)?.length ?? 0);
    return unasked.map(({ before, after }): Case => ({ count: 'retriedAfterAnswer', run, what: `was ${before} and became ${after}, and nobody had asked for that` }));
  });
}
