/** How the processes of attempts are started: each as a Node process of its own, or by forking one that has loaded what is the same for all runs. */
export type WorkerStart = (typeof workerStarts)[number];

export const workerStarts = ['spawn', 'fork'] as const;

/** The limits of a task: what its `export const config` may set. */
export interface TaskConfig {
  /** How long one attempt may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Memory of the attempt's whole process tree, in MiB; the heap of its JavaScript is limited to the same. */
  readonly memoryMb: number;
  /** How many attempts a run gets before it is `dead`. */
  readonly maxAttempts: number;
  /** Counts where the machine forks, and there nothing is to fork. Where it does not, everything is spawned. */
  readonly workerStart?: WorkerStart;
  /** Names of packages that Node loads by itself, with nothing kept to speed it up. */
  readonly external?: readonly string[];
  /** Names of packages that go into the task's bundle. */
  readonly bundle?: readonly string[];
  /** Patterns of what is deployed besides code, relative to the task's folder. */
  readonly files?: readonly string[];
}

/** What a project may set for all its tasks. */
export type TaskLimits = Partial<Pick<TaskConfig, 'timeoutMs' | 'memoryMb' | 'maxAttempts' | 'workerStart'>>;

/** The limits of the original: 5 minutes and 1024 MB. */
export const defaultTaskConfig: TaskConfig = { timeoutMs: 300_000, memoryMb: 1024, maxAttempts: 5 };
