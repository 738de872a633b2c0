import { factsOf, type FaultKind, strikesRunner } from './fault-kinds.ts';
import { type Random, seededRandom } from './random.ts';

export interface PlannedFault {
  readonly kind: FaultKind;
  /** When it begins, in milliseconds from the start of the campaign. It may come later: two faults never strike the same thing at once. */
  readonly atMs: number;
  /** 0 when it ends at once. */
  readonly lastsMs: number;
  /** Which runner, from 0; null for faults of the database and of tasks. */
  readonly runner: number | null;
  /** From 0 up to 1: chooses what else there is to choose, such as the worker. */
  readonly choice: number;
}

export interface FaultPlanOptions {
  readonly seed: number;
  readonly faults: number;
  readonly runners: number;
  readonly leaseMs: number;
  readonly kinds: readonly FaultKind[];
}

/** The mean pause between the beginnings of two faults, as a part of the lease. Some last longer than that: they overlap. */
const pauseOfLease = 0.65;

/** The faults of a campaign, in order. The same options give the same plan. */
export function planFaults({ seed, faults, runners, leaseMs, kinds }: FaultPlanOptions): readonly PlannedFault[] {
  const random = seededRandom(seed);
  const draw = kindsInTurn(random, kinds);
  const plan: PlannedFault[] = [];
  let atMs = 0;
  for (let count = 0; count < faults; count += 1) {
    atMs += Math.round((random.between(20, 180) / 100) * pauseOfLease * leaseMs);
    const kind = draw();
    const { lasts = [0, 0] } = factsOf(kind);
    const lastsMs = Math.round((lasts[0] + random.next() * (lasts[1] - lasts[0])) * leaseMs);
    plan.push({
      kind,
      atMs,
      lastsMs,
      runner: strikesRunner(kind) ? random.between(0, runners - 1) : null,
      choice: random.next(),
    });
  }
  return plan;
}

/** Draws kinds by their weights without putting them back until all were drawn: a short campaign has many kinds too. */
function kindsInTurn(random: Random, kinds: readonly FaultKind[]): () => FaultKind {
  let bag: FaultKind[] = [];
  const fill = (): FaultKind[] => {
    const [first, rest] = [kinds, kinds.flatMap((kind) => Array<FaultKind>(factsOf(kind).weight - 1).fill(kind))];
    return [...shuffled(rest, random), ...shuffled(first, random)];
  };
  return () => {
    if (bag.length === 0) bag = fill();
    const kind = bag.pop();
    if (kind === undefined) throw new Error('there are no kinds of faults');
    return kind;
  };
}

function shuffled<Value>(values: readonly Value[], random: Random): readonly Value[] {
  return values
    .map((value) => ({ value, key: random.next() }))
    .sort((left, right) => left.key - right.key)
    .map(({ value }) => value);
}
