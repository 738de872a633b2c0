/** How long finished runs are kept, with their attempts and log lines: no longer than `days`, and no more than `runs` in an environment. Runs that are `dead` stay until somebody decides. */
export interface Retention {
  readonly days: number;
  readonly runs: number;
}

export const defaultRetention: Retention = { days: 30, runs: 1_000_000 };
