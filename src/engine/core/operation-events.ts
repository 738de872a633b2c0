/**
 * What an operation has done, whoever asked for it: told to the sink of its store when that is committed. It is for logs and for those who look on: where a connection breaks at that
 * very moment, one may be missing.
 */
export type OperationEvent =
  /** By one call. `scheduledBy`: the run that asked for them; null for a call from outside. */
  | {
      readonly kind: 'runs_scheduled';
      readonly environment: string;
      readonly runs: readonly { readonly id: string; readonly task: string }[];
      readonly scheduledBy: string | null;
    }
  /** By the API or a command; what a server deploys of its own folder is told by `deployed`. `restores`: the earlier deployment that was brought back. */
  | {
      readonly kind: 'deployment_activated';
      readonly environment: string;
      readonly id: string;
      readonly tasks: number;
      readonly restores: string | null;
    }
  | { readonly kind: 'run_cancelled'; readonly environment: string; readonly runId: string }
  /** Of a running run: it ends when its processes are gone. */
  | { readonly kind: 'cancel_requested'; readonly environment: string; readonly runId: string }
  | { readonly kind: 'run_retried'; readonly environment: string; readonly runId: string }
  | { readonly kind: 'queue_paused'; readonly environment: string; readonly queue: string }
  | { readonly kind: 'queue_resumed'; readonly environment: string; readonly queue: string };

export type OnOperation = (event: OperationEvent) => void;
