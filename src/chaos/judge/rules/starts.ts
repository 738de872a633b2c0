import type { IndexedHistory } from '../index-history.ts';
import type { WitnessLine } from '../history.ts';
import type { Case } from '../verdict.ts';
import { databaseTime } from '../database-time.ts';

/** Promise 7: by the database's clock. */
export function findEarlyStarts({ claims }: IndexedHistory): readonly Case[] {
  return claims
    .filter(({ at, wokeAt }) => at < wokeAt)
    .map(({ run, attempt, at, wokeAt }) => {
      return { count: 'earlyStarts', run, what: `attempt ${attempt} was claimed ${Math.ceil(wokeAt - at)} ms early` };
    });
}

/** How far the two clocks may seem apart: the boot clock is read in steps of 10 ms, and a sample takes a while. */
const clockErrorMs = 250;

/** A process begins for each claim once at most, and while the claim's attempt is unfinished. */
export function findUnclaimedStarts(history: IndexedHistory): readonly Case[] {
  const started = new Set<string>();
  const endOf = new Map(
    history.changes
      .filter(({ before }) => before === 'running')
      .map((change) => [`${change.run} ${change.fence}`, change.at]),
  );
  return history.witness.filter(isStart).flatMap(({ run, fence, attempt, pid, at }): readonly Case[] => {
    const name = `${run} ${fence}`;
    const found = (what: string): readonly Case[] => [
      { count: 'unclaimedStarts', run, what: `attempt ${attempt} (process ${pid}, fence ${fence}) began ${what}` },
    ];
    if (!history.claimOf.has(name)) return found('although nobody had claimed it');
    if (started.has(name)) return found('a second time');
    started.add(name);
    const [endedAt, beganAt] = [endOf.get(name), databaseTime(history.clockSamples, at)];
    return endedAt !== undefined && beganAt !== null && beganAt > endedAt + clockErrorMs
      ? found(`${Math.round(beganAt - endedAt)} ms after its end was stored`)
      : [];
  });
}

function isStart({ kind }: WitnessLine): boolean {
  return kind === 'began' || kind === 'overlap';
}
