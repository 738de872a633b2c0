import type { IndexedHistory } from '../index-history.ts';
import type { Case } from '../verdict.ts';

/** Promise 1, by the life of processes and by rows. */
export function findOverlaps({ witness, changesOfQueue }: IndexedHistory): readonly Case[] {
  const seen = witness
    .filter(({ kind }) => kind === 'overlap')
    .map(({ run, attempt, pid, queue }): Case => {
      return {
        count: 'overlaps',
        run,
        what: `attempt ${attempt} (process ${pid}) began while another process of ${queue === null ? 'the run' : queue} lived`,
      };
    });
  const stored = [...changesOfQueue].flatMap(([queue, changes]) => {
    const running = new Set<string>();
    return changes.flatMap(({ run, before, after }): readonly Case[] => {
      if (before === 'running') running.delete(run);
      if (after !== 'running') return [];
      const others = [...running];
      running.add(run);
      return others.map((other) => ({
        count: 'overlaps',
        run,
        what: `claimed in ${queue} while ${other} was running`,
      }));
    });
  });
  return [...seen, ...stored];
}
