import type { FaultKind } from './plan/fault-kinds.ts';
import type { Progress } from './workload/progress.ts';

export interface CampaignOptions {
  readonly seed: number;
  readonly runs: number;
  readonly queues: number;
  readonly runners: number;
  readonly faults: number;
  /** Of these kinds. */
  readonly kinds: readonly FaultKind[];
  readonly leaseMs: number;
  /** The runners, which have this process's environment, fork their workers. */
  readonly forkedWorkers: boolean;
  /** A server on which the campaign makes a database of its own; undefined: it starts a server. */
  readonly databaseUrl: string | undefined;
  /** Leaves the database and the scratch folder. */
  readonly keep: boolean;
}

/** Who wants to know how far it is, and may end it. */
export interface CampaignWatch {
  onPhase(phase: string): void;
  onProgress(progress: Readonly<Progress>): void;
  /** Ends it in order, unfinished. */
  readonly interrupted: AbortSignal;
}
