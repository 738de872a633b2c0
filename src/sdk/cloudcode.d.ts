// What `import … from 'cloudcode'` gives a project. Kept by hand and published as it is, so that types need no build step;
// it imports nothing, so that it means the same under every tsconfig. index.ts is checked against it.

/**
 * The tasks of a project and their parameters. `cloudcode types` fills it in (cloudcode-env.d.ts); until then any task name
 * and any parameters are accepted.
 */
export interface Tasks {}

/** The name of a task of this project. */
export type TaskName = keyof Tasks extends never ? string : Extract<keyof Tasks, string>;

/** The parameters of a task, as its `run` takes them. */
export type ParametersOf<Name extends TaskName> = Name extends keyof Tasks ? Tasks[Name] : object;

/**
 * The parameters of a `run`: of its first argument, `undefined` when it takes none. It says `any` where `unknown` would look better,
 * because for `any` the compiler does not infer what `run` returns: that would go in circles for a task that schedules itself.
 */
export type ParametersOfRun<Run> = Run extends (...given: infer Given) => any ? (Given extends [] ? undefined : Given[0]) : unknown;

/** The limits of a task: `export const config: TaskConfig = { … }` beside its `run`. */
export interface TaskConfig {
  /** How long one attempt may take, in milliseconds. 300000 (5 minutes) unless set. */
  readonly timeoutMs?: number;
  /** Memory of an attempt, with all that it starts, in MiB. 1024 unless set. */
  readonly memoryMb?: number;
  /** How many attempts a run gets before it is `dead`. 5 unless set. */
  readonly maxAttempts?: number;
}

/** What `scheduleTask` takes. At most one of `at` and `after`; with neither, the run is due at once. */
export type ScheduleOptions<Name extends TaskName = TaskName> = ScheduleTiming & {
  /** The task to run, in the same environment. */
  readonly task: Name;
} & ParametersOption<ParametersOf<Name>>;

export interface ScheduleTiming {
  /** Time to run. A past time means at once. */
  readonly at?: Date;
  /** Delay in milliseconds. */
  readonly after?: number;
  /** Runs with the same queue never overlap, whichever tasks they are. Without a queue, runs may overlap. */
  readonly queue?: string;
}

/** `parameters` may be left out where the task's `run` can do without. They are converted to JSON and back. */
export type ParametersOption<Given> = unknown extends Given
  ? { readonly parameters?: object }
  : [Given] extends [undefined]
    ? { readonly parameters?: Record<string, never> }
    : Record<string, never> extends Given
      ? { readonly parameters?: Exclude<Given, undefined> }
      : undefined extends Given
        ? { readonly parameters?: Exclude<Given, undefined> }
        : { readonly parameters: Given };

/** The run, and the attempt of it, that is executing now. */
export interface RunInfo {
  readonly id: string;
  readonly task: string;
  readonly environment: string;
  readonly queue: string | null;
  /** Counted from 1. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** The attempt's fencing token: a decimal string that grows from attempt to attempt. */
  readonly fence: string;
  /** The id of the run that scheduled this one. */
  readonly scheduledBy: string | null;
}

export interface CloudCode {
  /**
   * Puts a task on the line for later. Once the promise has resolved, the run is durable: it will be attempted at least once.
   * Rejects, and changes nothing, when an option is not valid.
   */
  scheduleTask<Name extends TaskName>(options: ScheduleOptions<Name>): Promise<{ readonly id: string }>;
  readonly run: RunInfo;
}

/** Inside a task: the same object as the global `CloudCode`. Elsewhere its use throws. */
export declare const CloudCode: CloudCode;

/** What cloudcode.config.ts exports by default. */
export interface ProjectConfig {
  /** Limits for every task that does not set its own. */
  readonly defaults?: TaskConfig;
  readonly environments?: Readonly<Record<string, EnvironmentConfig>>;
  readonly queues?: Readonly<Record<string, QueueConfig>>;
  /** How many attempts one runner executes at a time. Twice the cores, at least 4, unless set. */
  readonly concurrency?: number;
}

export interface EnvironmentConfig {
  /** Environment variables that the tasks see. */
  readonly variables?: Readonly<Record<string, string>>;
}

export interface QueueConfig {
  /** What the queue does while a run of it waits out its back-off: `wait` for it (the default, keeps the order) or `skip` to the next. */
  readonly onRetry?: 'wait' | 'skip';
}

/** Returns the configuration as it is, with its type checked: `export default defineConfig({ … })`. */
export declare function defineConfig(config: ProjectConfig): ProjectConfig;
