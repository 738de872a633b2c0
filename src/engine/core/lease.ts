// The times of a lease: docs/leases.md derives them.

/** How long a runner's lease lasts unless it is set: its death is noticed within this time on other machines. In milliseconds, as all here. */
export const defaultLeaseMs = 15_000;
export const minLeaseMs = 2_000;
export const maxLeaseMs = 600_000;

/** How often a runner asks for a renewal: some may fail before the lease is in danger. */
export function renewEveryMs(leaseMs: number): number {
  return leaseMs / 5;
}

/** How long the answer to a renewal may take. Then its connection is taken for lost, and another try has time before the deadline. */
export function renewLimitMs(leaseMs: number): number {
  return leaseMs / 4;
}

/**
 * When a runner's workers must be ended: a fifth of the lease before anybody may take over.
 * @param askedAt when the runner asked for the lease or its renewal (not when the answer came), by its boot clock
 */
export function killDeadline(askedAt: number, leaseMs: number): number {
  return askedAt + leaseMs - Math.ceil(leaseMs / 5);
}

/** What one runner has seen of another's lease. */
export interface LeaseSight {
  readonly renewals: string;
  /** When this number of renewals was first seen, by the clock of the runner that looks. */
  readonly since: number;
}

/** @param now read after the answer that told of `renewals` */
export function seeLease(before: LeaseSight | undefined, renewals: string, now: number): LeaseSight {
  return before?.renewals === renewals ? before : { renewals, since: now };
}

/** In how many milliseconds the lease expires if it is not renewed; 0 when it is, whatever the clock of the database says. */
export function silenceLeftMs(sight: LeaseSight, leaseMs: number, now: number): number {
  return Math.max(0, sight.since + leaseMs - now);
}
