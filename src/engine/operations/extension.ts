import type { BatchAnswer, ExtensionSchemas, Operation } from '../protocol/call-requests.ts';
import type { WorkerExtension } from '../protocol/to-worker.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import type { Patience } from '../store/retry.ts';
import type { CallingAttempt } from './schedule-run.ts';

/** Is told in words what is done and waited for. */
export type OnProgress = (what: string) => void;

/** What an extension is going to do. */
export interface ExtensionPlan {
  /** `adding table asset` */
  readonly steps: readonly string[];
  /** What that means for what is there: `asset.colour: 5 values are hidden`. */
  readonly notices: readonly string[];
}

/** What an extension adds to a deployment. */
export interface ExtensionDeployment {
  /** Is kept with it, as JSON, for its attempts; null for nothing. */
  readonly state: unknown;
  /**
   * What `deploy` would do now, in words: `adding table asset`. Changes nothing.
   * @throws CloudCodeError as deploy, when the state does not fit what is there
   */
  plan(store: Store, environment: string): Promise<ExtensionPlan>;
  /**
   * Prepares what is no part of the deployment's transaction, while tasks go on, then runs `activate`. What an interrupted call left undone, the next does.
   * @throws CloudCodeError when the state does not fit what is there: nothing is deployed then
   */
  deploy<Result>(
    store: Store,
    to: { readonly environment: string; readonly onProgress: OnProgress },
    activate: (prepared: PreparedExtension) => Promise<Result>,
  ): Promise<Result>;
}

export interface PreparedExtension {
  /** With what the deployment found out; it counts only where the project has one. */
  readonly state: unknown;
  /** What to tell people of it. */
  readonly notices: readonly string[];
  /** Is called first in the transaction of the deployment, and again when that is tried again. */
  begin(db: Queryable): Promise<void>;
}

/**
 * Makes of what a build has added to a project, and of what is kept with a deployment, what is added to a deployment. It may come from anywhere: all of it is checked.
 * @throws CloudCodeError when it is not what a build gives
 */
export type ReadDeployedState = (state: unknown, taskNames: readonly string[]) => Promise<ExtensionDeployment>;

/** What an extension keeps of environments besides their deployments: data. */
export interface EnvironmentData {
  /** How many objects there are; null when there are too many to count in a moment. */
  count(store: Store, environment: string): Promise<number | null>;
  /** Deletes all of it, then runs `finish`; no deployment to the environment changes anything of it meanwhile. */
  drop<Result>(
    store: Store,
    of: { readonly environment: string; readonly onProgress: OnProgress },
    finish: () => Promise<Result>,
  ): Promise<Result>;
}

/** What is added to the engine, which runs tasks without it as well. */
export interface Extension {
  /** Globals that a task gets, and the file that they are loaded from. */
  readonly worker: Omit<WorkerExtension, 'state'>;
  /** What a worker may ask of it, and of which a batch may consist. */
  readonly schemas: ExtensionSchemas;
  /** Answers what one attempt asks for. */
  openCalls(attempt: ExtensionAttempt): ExtensionCalls;
}

export interface ExtensionAttempt {
  /** For what tasks ask. */
  readonly store: Store;
  readonly caller: CallingAttempt;
  /** What it has added to the attempt's deployment; null for nothing. */
  readonly state: unknown;
  /** With the database, while it is away. */
  readonly patience: Patience;
  /** Does what notes in the database that a batch was carried out: the note is deleted in time. */
  noted<Answer>(batch: string, write: () => Promise<Answer>): Promise<Answer>;
}

export interface ExtensionCalls {
  /** @returns JSON @throws CloudCodeError; `OutdatedDeployment` */
  answer(request: unknown): Promise<string>;
  /** Carries out an operation of a batch in its transaction. @throws as answer */
  carryOut(db: Queryable, operation: Operation): Promise<OperationAnswer>;
  /** Carries out a batch of one operation, where that needs no transaction of several statements; else null. @returns JSON @throws as answer */
  carryOutAlone(batch: string, operation: Operation): Promise<string> | null;
}

/** Lists by their names, which are those of `BatchAnswer` or others: each is joined with those of the operations before. */
export type OperationAnswer = Partial<Pick<BatchAnswer, 'runs'>> & Readonly<Record<string, readonly unknown[]>>;
