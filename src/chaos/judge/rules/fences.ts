import type { IndexedHistory } from '../index-history.ts';
import type { Case } from '../verdict.ts';

/** Promise 6: an attempt that was taken over, or has ended, changes nothing. */
export function findStaleWrites(history: IndexedHistory): readonly Case[] {
  return [
    ...staleEnds(history),
    ...staleLines(history),
    ...staleSchedules(history),
    ...staleMarks(history),
    ...staleAdditions(history),
    ...staleAnswers(history),
  ];
}

/** An attempt's outcome is stored in the transaction in which its own run stops running with its fence. */
function staleEnds({ ends, changes }: IndexedHistory): readonly Case[] {
  const left = new Set(
    changes.filter(({ before }) => before === 'running').map(({ run, xid, fence }) => `${run} ${xid} ${fence}`),
  );
  return ends
    .filter(({ run, xid, fence }) => !left.has(`${run} ${xid} ${fence}`))
    .map(({ run, number, outcome }) => {
      return {
        count: 'staleWrites',
        run,
        what: `the outcome of attempt ${number} (${outcome}) was stored although the run was not its own any more`,
      };
    });
}

/** The last lines of an attempt come with its end. */
function staleLines({ lateLines, ends }: IndexedHistory): readonly Case[] {
  const ended = new Set(ends.map(({ run, xid, number }) => `${run} ${xid} ${number}`));
  return lateLines
    .filter(({ run, xid, attempt }) => !ended.has(`${run} ${xid} ${attempt}`))
    .map(({ run, attempt }) => {
      return { count: 'staleWrites', run, what: `log lines of attempt ${attempt} were stored when it had ended` };
    });
}

function staleSchedules({ changes }: IndexedHistory): readonly Case[] {
  return changes
    .filter(({ isStale }) => isStale)
    .map(({ run }) => ({ count: 'staleWrites', run, what: 'was scheduled by an attempt that had ended' }));
}

function staleMarks({ writes }: IndexedHistory): readonly Case[] {
  return writes
    .filter(({ isStale }) => isStale)
    .map(({ run, fence, mark }) => ({
      count: 'staleWrites',
      run,
      what: `object ${mark} was written with fence ${fence} when that attempt had ended`,
    }));
}

function staleAdditions({ additions }: IndexedHistory): readonly Case[] {
  return additions
    .filter(({ isStale }) => isStale)
    .map(({ fence }) => ({
      count: 'staleWrites',
      run: null,
      what: `${fence} was added when no attempt with that fence was running`,
    }));
}

/** The tasks of a campaign answer with their fence first. */
function staleAnswers({ runs, changesOfRun }: IndexedHistory): readonly Case[] {
  return runs.flatMap(({ id, result }): readonly Case[] => {
    const answered = /^\d+/.exec(result ?? '')?.[0];
    const fence = changesOfRun.get(id)?.findLast(({ after }) => after === 'succeeded')?.fence;
    return answered === undefined || Number(answered) === fence
      ? []
      : [
          {
            count: 'staleWrites',
            run: id,
            what: `has the answer of fence ${answered}, and its last attempt had ${fence}`,
          },
        ];
  });
}

/** The fence only ever grows: within a run, and within a queue. */
export function findFencesNotGrowing({ claims }: IndexedHistory): readonly Case[] {
  const newest = new Map<string, number>();
  return claims.flatMap(({ run, queue, fence }) => {
    return [`run ${run}`, ...(queue === null ? [] : [queue])].flatMap((of): readonly Case[] => {
      const before = newest.get(of) ?? 0;
      newest.set(of, Math.max(before, fence ?? 0));
      return (fence ?? 0) > before
        ? []
        : [{ count: 'fencesNotGrowing', run, what: `was claimed with fence ${fence}; ${of} had ${before} before` }];
    });
  });
}
