import type { ErrorRecord } from './errors.ts';

export const runStates = ['scheduled', 'queued', 'running', 'succeeded', 'failed', 'dead', 'cancelled'] as const;
export type RunState = (typeof runStates)[number];

export const outcomes = [
  'returned',
  'threw',
  'timed_out',
  'out_of_memory',
  'exited',
  'killed',
  'lost',
  'cancelled',
] as const;
export type Outcome = (typeof outcomes)[number];
/** How an attempt ends that has answered. */
export type AnswerOutcome = Extract<Outcome, 'returned' | 'threw'>;

/** Times are ISO 8601 in UTC with milliseconds, by the database's clock. */
export type IsoTime = string;

/** A run as the CLI and the HTTP API show it (the public contract). */
export interface Run {
  readonly id: string;
  readonly environment: string;
  readonly task: string;
  readonly parameters: unknown;
  readonly queue: string | null;
  readonly key: string | null;
  readonly state: RunState;
  readonly createdAt: IsoTime;
  readonly dueAt: IsoTime;
  readonly retryAt: IsoTime | null;
  readonly startedAt: IsoTime | null;
  readonly finishedAt: IsoTime | null;
  readonly scheduledBy: string | null;
  readonly result: unknown;
  readonly error: ErrorRecord | null;
  readonly maxAttempts: number;
  readonly attempts: readonly Attempt[];
}

/** A run in a list: what is over 4 KB there is null, or an error shortened to its name and the beginning of its message. */
export interface ListedRun extends Run {
  /** What is not shown whole; absent when all is. */
  readonly omitted?: readonly ('parameters' | 'result' | 'error' | 'attempts')[];
}

export interface Attempt {
  readonly number: number;
  readonly startedAt: IsoTime;
  /** When its answer was stored, if that was before its end: while its processes were ending in order. */
  readonly answeredAt: IsoTime | null;
  readonly finishedAt: IsoTime | null;
  readonly outcome: Outcome | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly pid: number | null;
  readonly runner: string;
  /** The most that all its processes had at one time, as `memoryMb` counts it; null when it was not measured. */
  readonly peakMemoryBytes: number | null;
  /** A decimal string: it is a 64-bit number. */
  readonly fence: string;
  readonly error: ErrorRecord | null;
}

/** A queue as the CLI and the HTTP API show it. */
export interface Queue {
  readonly name: string;
  readonly queued: number;
  readonly scheduled: number;
  readonly running: string | null;
  readonly oldestDueAt: IsoTime | null;
  readonly paused: boolean;
}

export type LogLevel = 'debug' | 'info' | 'log' | 'warn' | 'error' | 'stdout' | 'stderr' | 'system';

export interface LogLine {
  readonly at: IsoTime;
  readonly attempt: number;
  readonly level: LogLevel;
  readonly message: string;
}

const finalStates: readonly RunState[] = ['succeeded', 'failed', 'dead', 'cancelled'];

export function isFinal(state: RunState): boolean {
  return finalStates.includes(state);
}
