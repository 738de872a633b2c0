/** How far a campaign is. Its faults and its runs wait for each other, so that no part of it goes by without the other. */
export interface Progress {
  readonly faults: number;
  readonly runs: number;
  faultsBegun: number;
  runsScheduled: number;
}

/** Runs may be ahead of the faults by this much of all, and faults of the runs. */
const ahead = 0.02;

export function mayScheduleMore({ faults, runs, faultsBegun, runsScheduled }: Progress): boolean {
  return faultsBegun >= faults || runsScheduled / runs <= faultsBegun / faults + ahead;
}

export function mayBeginFault({ faults, runs, faultsBegun, runsScheduled }: Progress): boolean {
  return runsScheduled >= runs || faultsBegun / faults <= runsScheduled / runs + ahead;
}
