import { noteForeignLoad } from './foreign-load.ts';
import type { Figure } from './measurement.ts';
import { median } from './statistics.ts';

/** Values by the contender's name, one for each round. */
export type Rounds = ReadonlyMap<string, readonly number[]>;

/**
 * Measures the contenders in turns (A B C, A B C, …), so that whatever else the machine does falls on all of them. Each round begins with another one: none always profits
 * from what the one before it left.
 */
export async function takeTurns(
  rounds: number,
  contenders: Readonly<Record<string, () => Promise<number>>>,
): Promise<Rounds> {
  const names = Object.keys(contenders);
  const results = new Map<string, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let place = 0; place < names.length; place += 1) {
      const name = names[(place + round) % names.length] ?? '';
      await noteForeignLoad();
      results.get(name)?.push((await contenders[name]?.()) ?? Number.NaN);
    }
  }
  return results;
}

export function figureOf(name: string, rounds: readonly number[], unit: string, goal?: Figure['goal']): Figure {
  return { name, value: median(rounds), unit, rounds, ...(goal === undefined ? {} : { goal }) };
}

/** How `ours` stands to `theirs`: each round gives one ratio. */
export function ratiosOf(ours: readonly number[], theirs: readonly number[]): readonly number[] {
  return ours.map((value, round) => value / (theirs[round] ?? Number.NaN));
}

/** A rate for each contender, and the ratio of `cloudcode` to each other one; the goals are by the other's name. */
export function compareRates(
  label: string,
  results: Rounds,
  goals: Readonly<Record<string, number>> = {},
): readonly Figure[] {
  const ours = results.get('cloudcode') ?? [];
  const rates = [...results].map(([name, rounds]) => figureOf(`${label}_${name}`, rounds, '/s'));
  const ratios = [...results]
    .filter(([name]) => name !== 'cloudcode')
    .map(([name, rounds]) => {
      const atLeast = goals[name];
      return figureOf(
        `${label}_ratio_to_${name}`,
        ratiosOf(ours, rounds),
        '',
        atLeast === undefined ? undefined : { atLeast },
      );
    });
  return [...rates, ...ratios];
}
