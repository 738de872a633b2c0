import type { ErrorCode } from './errors.ts';

/** What is wrong with a task, as a value that can be stored and sent. */
export interface TaskProblem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** A task that could not be built when the others of its project were. */
export interface BrokenTask {
  readonly name: string;
  readonly problem: TaskProblem;
}

/** A broken task as it was deployed. */
export interface DeployedBrokenTask extends BrokenTask {
  /** The deployment whose code it goes on with; null when it was never good. */
  readonly goesOn: { readonly deployedAt: string; readonly folder: string; readonly bundleHash: string } | null;
}
