/** One figure with its unit, and the goal it is held against where there is one. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal?: { readonly atLeast: number } | { readonly atMost: number };
  /** What each round gave, where `value` is their median. */
  readonly rounds?: readonly number[];
}

export interface BenchOptions {
  /** A few seconds for each measurement: shows that it runs, and little more. */
  readonly quick: boolean;
  /** More rounds, larger counts. */
  readonly full: boolean;
  /** How many processes run at a time. */
  readonly parallelism: number;
}

export interface Measurement {
  readonly name: string;
  readonly title: string;
  readonly measure: (options: BenchOptions) => Promise<readonly Figure[]>;
  /** Takes too long, or too much of the disk, to be measured unless it is asked for. */
  readonly onlyFull?: true;
}

export function reachesGoal({ value, goal }: Figure): boolean | null {
  if (goal === undefined) return null;
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
}

/** The size that suits the form of the benchmark. */
export function sized<Size>(
  { quick, full }: BenchOptions,
  sizes: { readonly quick: Size; readonly short: Size; readonly full: Size },
): Size {
  if (quick) return sizes.quick;
  return full ? sizes.full : sizes.short;
}
