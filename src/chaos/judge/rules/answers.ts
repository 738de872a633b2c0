import { factsOf, isFaultKind } from '../../plan/fault-kinds.ts';
import { databaseTime } from '../database-time.ts';
import type { History, WitnessLine } from '../history.ts';
import type { IndexedHistory } from '../index-history.ts';
import type { Case } from '../verdict.ts';

/** Promise 3: an answer ends its run, and what is finished begins again only when `runs retry` was asked for. */
export function findRetriedAfterAnswer(history: IndexedHistory): readonly Case[] {
  return [...unheededAnswers(history), ...lostAnswers(history), ...unaskedRevivals(history)];
}

/** From the end of a fault until what it has held up is done. */
const recoveryMs = 1_000;
/** Whose runner ends is not undisturbed when that begins; the others are, also while it is away. */
const overAtOnce = ['runner_killed', 'runner_killed_after_answer', 'runner_terminated'];

/** An attempt that has answered for a while, undisturbed, while its process was ending: its run ends by that answer, whatever happened next. */
function lostAnswers({ witness, changes, clockSamples, faults }: IndexedHistory): readonly Case[] {
  const left = new Map(
    changes.filter(({ before }) => before === 'running').map((change) => [`${change.run} ${change.fence}`, change]),
  );
  return witness
    .filter((line) => line.kind === 'answered' && !isDisturbed(line, faults))
    .flatMap(({ run, fence, attempt, at }): readonly Case[] => {
      const [change, answeredAt] = [left.get(`${run} ${fence}`), databaseTime(clockSamples, at)];
      // One that was taken over before that had no run any more to answer for.
      if (
        change === undefined ||
        answeredAt === null ||
        change.at <= answeredAt ||
        change.after === 'succeeded' ||
        change.after === 'failed'
      )
        return [];
      return [
        {
          count: 'retriedAfterAnswer',
          run,
          what: `attempt ${attempt} had answered, and ${Math.round(change.at - answeredAt)} ms later the run became ${change.after}`,
        },
      ];
    });
}

/** Whether its answer may have had no way to the database. */
function isDisturbed({ at, forMs = 0 }: WitnessLine, faults: History['faults']): boolean {
  return faults.some(({ kind, beganAt, healedAt }) => {
    if (!isFaultKind(kind)) return false;
    const { target } = factsOf(kind);
    const isBetween = target === 'connections' || target === 'database' || kind.startsWith('runner_');
    const until = overAtOnce.includes(kind) ? beganAt : healedAt;
    return isBetween && beganAt <= at && until + recoveryMs >= at - forMs;
  });
}

const endedBy: Readonly<Partial<Record<string, string>>> = { returned: 'succeeded', threw: 'failed' };

function unheededAnswers({ ends, changes }: IndexedHistory): readonly Case[] {
  const became = new Map(
    changes.filter(({ before }) => before === 'running').map(({ run, xid, after }) => [`${run} ${xid}`, after]),
  );
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
    const revivals = changes.filter(
      ({ before, after }) =>
        before !== null && before !== 'queued' && before !== 'running' && (after === 'queued' || after === 'running'),
    );
    const unasked = revivals.slice(asked.get(run)?.length ?? 0);
    return unasked.map(({ before, after }): Case => ({
      count: 'retriedAfterAnswer',
      run,
      what: `was ${before} and became ${after}, and nobody had asked for that`,
    }));
  });
}
