import type { ListedRun, Queue, Run, RunState } from '../engine/core/run.ts';
import type { TaskConfig } from '../engine/core/task-config.ts';
import type { BrokenTaskBody, FolderBody } from '../service/api/http-project.ts';
import type { NumberedLine } from '../service/api/http-runs.ts';

/** What commands work on: a server's API, or a store. Refusals are CloudCodeErrors with the same codes either way. */
export interface Backend {
  /** For messages: an address without secrets. */
  readonly name: string;
  /** `options` as `scheduleTask` takes them, `at` a Date. */
  scheduleRun(options: Readonly<Record<string, unknown>>): Promise<Scheduled>;
  getRun(runId: string): Promise<Run>;
  /** One page, newest first. */
  listRuns(filter: RunFilter): Promise<RunPage>;
  cancelRun(runId: string): Promise<Run>;
  retryRun(runId: string): Promise<Run>;
  listQueues(): Promise<readonly Queue[]>;
  pauseQueue(name: string): Promise<Queue>;
  resumeQueue(name: string): Promise<Queue>;
  listTasks(): Promise<readonly TaskSummary[]>;
  /** Those of what is deployed that could not be built. */
  listBrokenTasks(): Promise<readonly BrokenTaskBody[]>;
  /** Lines after the one numbered `afterSeq`, in order; as many as one answer holds, none at the end. */
  readLogs(runId: string, afterSeq: number): Promise<readonly NumberedLine[]>;
  /** All lines, as they come, until the run is finished or the signal aborts. Returns the run as it ended, or null when the signal aborted. */
  followLogs(runId: string, signal: AbortSignal): AsyncGenerator<NumberedLine, Run | null>;
  summariseBacklog(): Promise<Backlog>;
  /** The runs that have ended since a time (ISO 8601), but for one. */
  summariseEnded(of: { readonly since: string; readonly besides: string }): Promise<EndedSummary>;
  /** How the folder of a server stands to what is deployed, which may be built first. Null when the signal ended that. */
  lookAtFolder(waiting: {
    readonly signal: AbortSignal;
    readonly onStep: (step: string) => void;
  }): Promise<FolderBody | null>;
  /** @throws CloudCodeError `server_unreachable`, `database_unreachable` */
  health(): Promise<void>;
}

export interface Scheduled {
  readonly run: Run;
  /** False when a run with the `key` was there that is unfinished: it is as it was. */
  readonly isNew: boolean;
}

export interface RunFilter {
  readonly state?: string | undefined;
  readonly task?: string | undefined;
  readonly queue?: string | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface RunPage {
  readonly runs: readonly ListedRun[];
  readonly nextCursor: string | null;
}

export interface QueuePage {
  readonly queues: readonly Queue[];
  readonly nextCursor?: string;
}

export interface TaskSummary {
  readonly name: string;
  readonly config: TaskConfig;
}

export interface Backlog {
  readonly queued: number;
  readonly running: number;
  readonly inBackOff: number;
  /** Scheduled, and due within a minute. */
  readonly dueSoon: number;
  readonly later: number;
  readonly paused: number;
  readonly pausedQueues: readonly string[];
}

export interface EndedSummary {
  /** By task and state. */
  readonly counts: readonly { readonly task: string; readonly state: RunState; readonly runs: number }[];
  /** The last ten that `failed` or are `dead`, with the message of the error. */
  readonly failures: readonly {
    readonly id: string;
    readonly task: string;
    readonly state: RunState;
    readonly message: string | null;
  }[];
}

/** The most runs that one page holds. */
export const maxPageSize = 200;

/** The queues of all pages. */
export async function allQueues(read: (cursor: string | undefined) => Promise<QueuePage>): Promise<readonly Queue[]> {
  const all: Queue[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await read(cursor);
    all.push(...page.queues);
    if (page.nextCursor === undefined) return all;
    cursor = page.nextCursor;
  }
}
