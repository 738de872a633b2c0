import type { GivenKeys } from '../engine/operations/master-key.ts';
import type { Deployed, Replacement } from '../engine/operations/deploy-project.ts';
import type { WorkerStart } from '../engine/core/task-config.ts';
import type { RunnerEvent } from '../engine/runner/events.ts';
import type { Store } from '../engine/store/open-store.ts';
import type { BrokenTasks, BuiltProject } from '../project/build-project.ts';
import type { BrokenTaskBody } from '../service/api/tasks.ts';

/**
 * When the folder is deployed at the start. `unless_replaced`: not when this environment has had its state and another has replaced it since;
 * `if_alone`: not while other runners work on the store.
 */
export type DeployWhen = 'always' | 'unless_replaced' | 'if_alone' | 'never';

/** Of a server, with a project's folder or without. */
export interface ServiceOptions {
  /** A PostgreSQL in place of the embedded one. */
  readonly databaseUrl: string | undefined;
  /** Where the files of this machine go, in place of `.cloudcode` in the folder. */
  readonly data?: string | undefined;
  /** The master key of masked variables; else it is in a file of this machine. */
  readonly masterKey?: GivenKeys | undefined;
  /** Where to serve the API; null: nowhere. */
  readonly http: { readonly host: string; readonly port: number } | null;
  /** Null: claim no runs. What is undefined is the project's, or else the default. */
  readonly runner: {
    readonly concurrency: number | undefined;
    readonly leaseMs: number | undefined;
    readonly workerStart?: WorkerStart | undefined;
  } | null;
  readonly onEvent: (event: SystemEvent) => void;
}

export interface SystemOptions extends ServiceOptions {
  readonly folder: string;
  readonly environment: string;
  /** `pass_over`: a task that is broken does not keep the others from being deployed, and goes on with its last good code. */
  readonly brokenTasks: BrokenTasks;
  /** Deploys again when a file changes; sources that are broken at the start are told, not thrown. */
  readonly watch: boolean;
  readonly deploy: DeployWhen;
  /** Ends the first build, and with it the start. */
  readonly signal?: AbortSignal;
}

export type SystemEvent =
  | RunnerEvent
  /** What the build of the folder is at: `bundling cloudcode/othertask/index.ts`. Null: it is done. */
  | { readonly kind: 'building'; readonly step: string | null }
  /** What a deployment does before it counts: `data model: adding table asset`, or how far its packages and files are stored. */
  | { readonly kind: 'deploying'; readonly what: string }
  /** `afterRestart`: settings of the runner, such as `concurrency`, that are no longer those it was started with. */
  | ({ readonly kind: 'deployed'; readonly built: BuiltProject; readonly afterRestart: readonly string[] } & Deployed)
  /** `goesOn`: the tasks of the last good deployment. */
  | { readonly kind: 'not_deployed'; readonly error: unknown; readonly goesOn?: readonly string[] }
  /** The system does not tell of changed files (`ENOSPC`, `EMFILE`): they are looked for every `everyMs`. */
  | { readonly kind: 'not_watched'; readonly error: NodeJS.ErrnoException; readonly everyMs: number }
  /** What was deployed before stays: `tasks`. Null where other runners work on it, and where nothing was to be deployed. */
  | { readonly kind: 'deployment_kept'; readonly replacement: Replacement | null; readonly tasks: readonly string[] }
  /** The project's folder cannot be written: the files of this machine go to a temporary one. */
  | { readonly kind: 'files_elsewhere'; readonly folder: string; readonly because: string }
  | { readonly kind: 'request_failed'; readonly message: string };

/** A server that runs. */
export interface Served {
  readonly store: Store;
  readonly url: string | null;
  /** Claims nothing more and finishes what runs. Attempts that take longer than `drainMs` are given back. */
  drain(options?: { readonly drainMs?: number }): Promise<void>;
  /** Drains, if that was not done, and closes everything. */
  stop(options?: { readonly drainMs?: number }): Promise<void>;
}

export interface System extends Served {
  readonly folder: string;
  /** What is deployed. */
  readonly tasks: readonly string[];
  /** Whether the folder as it stands could not be deployed, which was told. */
  readonly isBroken: boolean;
  /** The tasks of the folder that are broken as it stands. */
  readonly broken: readonly BrokenTaskBody[];
}
