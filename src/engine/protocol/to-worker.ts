import type { ErrorCode } from '../core/errors.ts';

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
  /** Null where there is none. */
  readonly extension: WorkerExtension | null;
  /** The task is loaded, and `run` is not called: the answer says whether it could be. */
  readonly loadOnly?: boolean;
}

/** What an extension adds to the globals of a task. It is loaded when one of them is first used. */
export interface WorkerExtension {
  /** The file that exports `extensionGlobals`, beside the worker's own. */
  readonly file: string;
  /** The names of the globals. */
  readonly globals: readonly string[];
  /** What the extension has added to the deployment; null for nothing. */
  readonly state: unknown;
}

/** The answer to a call. */
export interface ReplyMessage {
  readonly type: 'reply';
  readonly call: number;
  readonly value: unknown;
  /** `isRefusal`: the mistake is the caller's, and no trouble that may pass. */
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly isRefusal: boolean } | null;
}

/** The answer to what a task asks for while its process ends. */
export const answeredAlready: NonNullable<ReplyMessage['error']> = {
  code: 'run_answered',
  message:
    '`run` has returned or thrown, and its process is ending: `DB` and `scheduleTask` take nothing more. Await what they are to do before `run` returns.',
  isRefusal: true,
};
