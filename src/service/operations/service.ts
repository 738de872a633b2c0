import type { EnvironmentData, ReadDeployedState } from '../../engine/operations/extension.ts';
import type { MasterKeys } from '../../engine/operations/master-key.ts';
import type { CheckStart } from '../../engine/operations/variables.ts';
import type { Claiming } from '../../engine/operations/schedule-run.ts';
import { type RunWatch, watchRuns } from '../../engine/operations/watch-runs.ts';
import type { Store } from '../../engine/store/open-store.ts';
import type { DeploymentBody, FolderBody } from '../api/project.ts';

/** Of work that somebody waits for. */
export interface Waiting {
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
}

/** The folder of a server. */
export interface FolderState {
  /** How the folder stands to what is deployed; one that is watched is deployed first when it has changed. */
  readonly look: (onStep?: (step: string) => void) => Promise<FolderBody>;
  /** Whether the folder has a task of this name now. */
  readonly hasTask: (task: string) => Promise<boolean>;
  /** Deploys the folder as it stands. Null when the signal ended the build. */
  readonly deploy: (environment: string, waiting: Waiting) => Promise<DeploymentBody | null>;
}

/** What operations work on. Where it is a store alone, operations that need more than that are not to be had. */
export interface Service {
  readonly store: Store;
  /** Where the master key of masked variables is; without it nothing can be masked. */
  readonly keys?: MasterKeys;
  readonly watch: RunWatch;
  /** Without it, variables that a process cannot start with are not refused. */
  readonly checkStart?: CheckStart;
  /** Reads what the extension adds to deployments that were built elsewhere; without it nothing is deployed here. */
  readonly readState?: ReadDeployedState;
  /** What the extension keeps of environments. */
  readonly environmentData?: EnvironmentData;
  /** The runner of this process, for what is scheduled here. */
  readonly claiming?: Claiming;
  readonly project?: { readonly name: string; readonly folder: string };
  /** Without it nothing is said of the folder. */
  readonly folderState?: FolderState;
  /** False while the server is not yet, or no longer, to be given work: `/ready` says so. */
  readonly isReady?: () => boolean;
  /** Why its runner's machine cannot start runs; null while it can. */
  readonly unfitReason?: () => string | null;
}

/** What a process offers, with what all who ask it have together. */
export function openService(of: Omit<Service, 'watch'>): Service {
  return { ...of, watch: watchRuns(of.store) };
}
