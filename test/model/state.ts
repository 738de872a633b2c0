import type { AnswerOutcome, Outcome } from '../../src/engine/core/run.ts';

// What the model knows: plain values that can be copied. Times are milliseconds of the database's clock, which the test sets.

/** When the clock of every sequence begins. */
export const epoch = Date.UTC(2030, 0, 1);

export const environments = ['testing', 'staging'] as const;
export type Environment = (typeof environments)[number];

/** Tasks, by how many attempts their runs have. */
export const attemptsOf = { once: 1, twice: 2, thrice: 3 } as const;
export type Task = keyof typeof attemptsOf;

export const runnerNames = ['A', 'B', 'C'] as const;
export type RunnerName = (typeof runnerNames)[number];
export const leaseMs = 600_000;

export interface ModelAttempt {
  readonly run: string;
  readonly number: number;
  readonly fence: string;
  readonly runner: RunnerName;
  /** As the runner learnt it when it claimed the run. */
  readonly limit: number;
  outcome: Outcome | null;
}

export interface ModelRun {
  readonly id: string;
  /** `run 1`, in the order of scheduling. */
  readonly name: string;
  readonly number: number;
  readonly environment: Environment;
  readonly task: Task;
  readonly queue: string | null;
  readonly key: string | null;
  /** The name of the run that asked for it. */
  readonly scheduledBy: string | null;
  state: 'queued' | 'running' | 'succeeded' | 'failed' | 'dead' | 'cancelled';
  dueAt: number;
  retryAt: number | null;
  startedAt: number | null;
  finishedAt: number | null;
  attemptCount: number;
  attemptLimit: number;
  cancelRequested: boolean;
  /** Of the attempt that is running, stored before its end. */
  answer: AnswerOutcome | null;
  runner: RunnerName | null;
  fence: string | null;
  isFront: boolean;
  error: string | null;
  lines: string[];
}

export interface ModelQueue {
  readonly environment: Environment;
  readonly name: string;
  paused: boolean;
  onRetry: 'wait' | 'skip';
}

export interface ModelRunner {
  readonly name: RunnerName;
  expiresAt: number;
  renewals: number;
  endedAt: number | null;
}

export interface ModelBatch {
  readonly id: string;
  readonly run: string;
  /** The names of the runs it scheduled, and how many objects each of its `destroy_all` destroyed. */
  readonly answer: { readonly destroyed: readonly number[]; readonly runs: readonly string[] };
}

export interface State {
  now: number;
  runs: ModelRun[];
  attempts: ModelAttempt[];
  queues: ModelQueue[];
  runners: ModelRunner[];
  batches: ModelBatch[];
  /** The stored objects: a text for each name. */
  pieces: Record<string, string>;
}

export function emptyState(): State {
  return { now: epoch, runs: [], attempts: [], queues: [], runners: [], batches: [], pieces: {} };
}

export function isActive(run: ModelRun): boolean {
  return run.state === 'queued' || run.state === 'running';
}

export function wakeAt(run: ModelRun): number {
  return Math.max(run.dueAt, run.retryAt ?? 0);
}
