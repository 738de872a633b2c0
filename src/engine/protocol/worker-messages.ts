import type { ErrorCode, ErrorRecord } from '../core/errors.ts';
import type { LogLevel } from '../core/run.ts';
import type { DataModel } from '../../data/model/data-model.ts';
import type { ScheduleRequest } from '../core/schedule-request.ts';
import type { DataCall } from '../../data/protocol/data-messages.ts';

/** What `CloudCode.run` shows a task of the attempt that is running. */
export interface RunInfo {
  readonly id: string;
  readonly task: string;
  readonly environment: string;
  readonly queue: string | null;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly fence: string;
  readonly scheduledBy: string | null;
}

/** The files of a task, by their absolute paths. */
export interface BundleMessage {
  readonly path: string;
  readonly sourceMapPath: string;
  /** For the compiled code of this bundle and no other. It need not be there, nor be one that can be written to. */
  readonly compiledFolder: string;
  readonly format: 'cjs' | 'esm';
  /** The file from whose place what a bundle in CommonJS requires is found: its own path, where it stands in the place of its entry. */
  readonly base: string;
  /** Where the packages of its deployment lie, as Node names it (the real path): nothing in it ever changes. Null where it has none of its own. */
  readonly packagesFolder: string | null;
}

/** The first frame to a waiting worker. The second is the parameters, as their JSON text. */
export interface StartMessage {
  readonly type: 'start';
  readonly run: RunInfo;
  readonly bundle: BundleMessage;
  /** The project's folder as it was deployed, with its packages and files; for a deployment without a folder of its own, the project's. */
  readonly folder: string;
  /** The project's own folder where there is one on this machine. */
  readonly workingFolder: string;
  /** Packages that are loaded by Node alone. */
  readonly external: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** What `DB` holds; null for a project without a data model. */
  readonly dataModel: DataModel | null;
}

/** The answer to a call. */
export interface ReplyMessage {
  readonly type: 'reply';
  readonly call: number;
  readonly value: unknown;
  /** `isRefusal`: the mistake is the caller's, and no trouble that may pass. */
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly isRefusal: boolean } | null;
}

export type ToWorker = StartMessage | ReplyMessage;

/** The first word of every worker: it has loaded what is the same for every run. */
export interface WaitingMessage {
  readonly type: 'waiting';
}

export interface LinesMessage {
  readonly type: 'lines';
  readonly level: LogLevel;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly text: string;
}

export interface CallMessage {
  readonly type: 'call';
  /** Counted by the worker; the reply has it too. */
  readonly call: number;
  readonly request: CallRequest;
}

export type CallRequest = (ScheduleRequest & { readonly kind: 'schedule' }) | DataCall;

export interface AnswerMessage {
  readonly type: 'answer';
  readonly outcome: 'returned' | 'threw';
  readonly resultJson: string | null;
  /** What was thrown, or what was wrong with the returned value. */
  readonly error: ErrorRecord | null;
  /** The worker's own, without what it started; 0 when it cannot be told. */
  readonly peakMemoryBytes: number;
  /** It keeps the bundle's compiled code before it exits, for the attempts to come. */
  readonly keepsCode: boolean;
  /** It ends in order, which takes a while: somebody listens for its end, or something is still being written. */
  readonly endsInOrder: boolean;
}

/** The last word of a worker that ends without an answer, where it can still speak. With `bundle_gone` no code of the task has run. */
export interface StoppingMessage {
  readonly type: 'stopping';
  readonly reason: 'exit' | 'uncaught_exception' | 'unhandled_rejection' | 'ran_empty' | 'bundle_gone';
  readonly error: ErrorRecord | null;
  readonly peakMemoryBytes: number;
}

/** Output beyond the limits that the worker left out, between what it has sent and what it sends. */
export interface CutMessage {
  readonly type: 'cut';
  readonly lines: number;
  readonly bytes: number;
}

/** What a worker says of its attempt. */
export type FromAttempt = LinesMessage | CallMessage | AnswerMessage | StoppingMessage | CutMessage;

export type FromWorker = WaitingMessage | FromAttempt;
