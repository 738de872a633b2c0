/** One figure with its unit, and the goal it is held against where there is one. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal?: { readonly atLeast: number } | { readonly atMost: number };
}

export interface BenchOptions {
  /** A few seconds instead of minutes: shows that the benchmark runs, and little more. */
  readonly quick: boolean;
  /** How many processes run at a time. */
  readonly parallelism: number;
}

export interface Measurement {
  readonly name: string;
  readonly title: string;
  readonly measure: (options: BenchOptions) => Promise<readonly Figure[]>;
}

export function reachesGoal({ value, goal }: Figure): boolean | null {
  if (goal === undefined) return null;
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
}
