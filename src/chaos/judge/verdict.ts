/** What a campaign counts. Each must be 0. */
export const countNames = [
  'overlaps',
  'lostRuns',
  'lostWrites',
  'doubledWrites',
  'retriedAfterAnswer',
  'staleWrites',
  'earlyStarts',
  'orderViolations',
  'stuckQueues',
  'processesLeftOver',
  'fencesNotGrowing',
  'attemptsMiscounted',
  'unclaimedStarts',
  'runnersEnded',
  'wrongRows',
] as const;
export type CountName = (typeof countNames)[number];

/** Something that must not have happened. */
export interface Case {
  readonly count: CountName;
  readonly what: string;
  readonly run: string | null;
}

export interface Standstill {
  readonly ms: number;
  /** Null for a run without a queue. */
  readonly queue: string | null;
  readonly run: string;
  /** The last fault that had begun before it ended. */
  readonly fault: string | null;
}

export interface Verdict {
  readonly runs: number;
  readonly attempts: number;
  readonly counts: Readonly<Record<CountName, number>>;
  readonly cases: readonly Case[];
  /** The longest time for which a run that was due waited although its queue, or the run itself, was free. Null when none waited. */
  readonly maxStandstill: Standstill | null;
  /** The longest after each kind of fault, in milliseconds, less the time for which the fault itself lasted. */
  readonly standstillBeyondFault: Readonly<Record<string, number>>;
}
