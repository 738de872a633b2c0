import type { WrongRow } from '../../engine/store/check-store.ts';
import type { Outcome } from '../../engine/core/run.ts';
import type { StoredState } from '../../engine/core/run-transitions.ts';

/** What happened in a campaign: what the database saw (the audit), what the tasks saw (the witness), and what the campaign itself did. Checked when it has ended. */
export interface History extends Witnessed {
  /** Every change of a run's state, in the order in which they were made: for one run, and for one queue, that is the order of the commits. */
  readonly changes: readonly RunChange[];
  readonly ends: readonly AttemptEnd[];
  /** Log lines that were stored while their attempt was not the run's running one. */
  readonly lateLines: readonly LateLine[];
  /** What attempts wrote through `DB`. */
  readonly writes: readonly DataWrite[];
  /** What attempts added to one number that all share, each its fence, in the order of the commits. */
  readonly additions: readonly Addition[];
  /** That number, as `DB` has it at the end. */
  readonly added: number;
  /** Differences between the runs and what is derived from them, at the end. */
  readonly wrongRows: readonly WrongRow[];
  /** How many times each queue was counted up by writes, as `DB` has it at the end. */
  readonly tallies: ReadonlyMap<string, number>;
  /** Queues that let others by while a run is in back-off. */
  readonly skipping: ReadonlySet<string>;
  readonly pauses: readonly {
    readonly seq: number;
    readonly at: number;
    readonly queue: string;
    readonly isPaused: boolean;
  }[];
  /** The runs as they are at the end. */
  readonly runs: readonly {
    readonly id: string;
    readonly queue: string | null;
    readonly state: StoredState;
    readonly result: string | null;
  }[];
}

/** What the campaign knows without asking the database. */
export interface Witnessed {
  readonly witness: readonly WitnessLine[];
  /** The runs whose scheduling was confirmed to the campaign. */
  readonly acknowledged: readonly string[];
  /** Runs that the campaign asked to retry, once for each time. */
  readonly retried: readonly string[];
  /** The two clocks, read together from time to time, in milliseconds. */
  readonly clockSamples: readonly { readonly bootMs: number; readonly databaseMs: number }[];
  /** Times are of the boot clock. */
  readonly faults: readonly { readonly kind: string; readonly beganAt: number; readonly healedAt: number }[];
  /** Processes of workers that outlived the runners. */
  readonly leftOver: readonly number[];
  /** Runners that ended although nobody had ended them. */
  readonly endedByThemselves: readonly string[];
}

/** What a task saw. Its processes write it to a file outside of the database. */
export interface WitnessLine {
  readonly kind: 'began' | 'overlap' | 'alive' | 'ended' | 'scheduled' | 'wrote' | 'added' | 'refused' | 'answered';
  readonly run: string;
  readonly task: string;
  readonly attempt: number;
  readonly fence: string;
  readonly queue: string | null;
  readonly pid: number;
  /** By the boot clock. */
  readonly at: number;
  /** `scheduled`: the runs that are durable from here on. */
  readonly ids?: readonly string[];
  /** `wrote`: the object that is durable from here on. */
  readonly mark?: string;
  /** `refused`: why. */
  readonly code?: string;
  /** `answered`: for how many milliseconds. */
  readonly forMs?: number;
}

/** All times are of the database's clock, in milliseconds. */
export interface RunChange {
  readonly seq: number;
  readonly at: number;
  /** The transaction. */
  readonly xid: number;
  readonly run: string;
  readonly queue: string | null;
  /** Null for a run that was added. */
  readonly before: StoredState | null;
  readonly after: StoredState;
  readonly fence: number | null;
  /** How many attempts the run has had, with this one. */
  readonly attempt: number;
  readonly attemptLimit: number;
  readonly dueAt: number;
  /** The order of scheduling. */
  readonly order: number;
  /** The end of its back-off or its due time, as it was before the change. */
  readonly wokeAt: number;
  /** The same after it. */
  readonly wakeAt: number;
  /** Of a claim: what its statement could see, as PostgreSQL writes a snapshot; else null. */
  readonly snapshot: string | null;
  /** Of a run that an attempt added: whether that attempt was its run's running one. */
  readonly isStale: boolean;
}

export interface AttemptEnd {
  readonly seq: number;
  readonly xid: number;
  readonly run: string;
  readonly number: number;
  readonly fence: number;
  readonly outcome: Outcome;
}

export interface LateLine {
  readonly xid: number;
  readonly run: string;
  readonly attempt: number;
}

export interface Addition {
  readonly fence: number;
  /** Whether the attempt with this fence had ended. */
  readonly isStale: boolean;
}

export interface DataWrite {
  readonly mark: string;
  readonly run: string;
  readonly fence: number;
  readonly queue: string | null;
  /** Whether another attempt had taken over, or the run was finished. */
  readonly isStale: boolean;
}
