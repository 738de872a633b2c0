import type { RunChange } from '../history.ts';
import { type IndexedHistory, isClaim } from '../index-history.ts';
import type { Case } from '../verdict.ts';

/** Promise 4: each claim is one more attempt, each attempt ends once, and a run is tried as often as it may be. */
export function findMiscountedAttempts({ changesOfRun, ends }: IndexedHistory): readonly Case[] {
  const ended = Map.groupBy(ends, ({ run, fence }) => `${run} ${fence}`);
  return [...changesOfRun].flatMap(([run, changes]) => {
    const miscounted = (what: string): Case => ({ count: 'attemptsMiscounted', run, what });
    const numbers = changes
      .filter(isClaim)
      .flatMap(({ attempt }, index) =>
        attempt === index + 1 ? [] : [miscounted(`was claimed for the ${index + 1}. time as attempt ${attempt}`)],
      );
    const left = changes
      .filter(({ before }) => before === 'running')
      .flatMap((change) => {
        const count = ended.get(`${run} ${change.fence}`)?.length ?? 0;
        return [
          ...(count === 1 ? [] : [miscounted(`attempt ${change.attempt} ended ${count} times`)]),
          ...(limitBroken(change)
            ? [miscounted(`became ${change.after} after attempt ${change.attempt} of ${change.attemptLimit}`)]
            : []),
        ];
      });
    return [...numbers, ...left];
  });
}

function limitBroken({ after, attempt, attemptLimit }: RunChange): boolean {
  if (after === 'dead') return attempt !== attemptLimit;
  return after === 'queued' && attempt >= attemptLimit;
}
