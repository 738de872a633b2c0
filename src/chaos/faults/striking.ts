import type { Store } from '../../engine/store/open-store.ts';
import type { CampaignRunner } from '../processes/start-runners.ts';
import type { ScratchDatabase } from '../scratch/scratch-database.ts';
import type { WitnessFile } from '../witness/witness-file.ts';

/** What faults have at hand. */
export interface Striking {
  readonly runners: readonly CampaignRunner[];
  readonly database: ScratchDatabase;
  /** By no proxy. */
  readonly store: Store;
  readonly queues: readonly string[];
  readonly witness: WitnessFile;
  readonly acknowledged: string[];
  clockOf(runner: number): string;
  /** Schedules runs for faults that still wait for something to strike when all others have ended. */
  scheduleMore(): Promise<void>;
  /** From then on faults heal at once, and no more are made. */
  readonly stopping: AbortSignal;
}
