// Written by `npm run openapi` from the declarations of the operations; do not edit.

export type Attempt = {
  readonly number: number;
  readonly startedAt: string;
  readonly answeredAt: string | null;
  readonly finishedAt: string | null;
  readonly outcome: "returned" | "threw" | "timed_out" | "out_of_memory" | "exited" | "killed" | "lost" | "cancelled" | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly pid: number | null;
  readonly runner: string;
  readonly peakMemoryBytes: number | null;
  readonly fence: string;
  readonly error: ErrorRecord | null;
};

export type BrokenTask = {
  readonly name: string;
  readonly problem: Problem;
  readonly goesOn: {
    readonly deployedAt: string;
    readonly folder: string;
  } | null;
};

export type Carried = {
  readonly count: number;
  readonly bytes: number;
  readonly added: readonly {
    readonly name: string;
    readonly bytes: number;
  }[];
};

export type DeployedProject = {
  readonly id?: string | undefined;
  readonly environment: string;
  readonly folder: string;
  readonly changed: boolean;
  readonly settings: readonly string[];
  readonly tasks: readonly string[];
  readonly code: Carried;
  readonly packages: Carried;
  readonly files: Carried;
  readonly report: readonly {
    readonly package: string;
    readonly how: "outside" | "plain" | "bundled" | "linked";
    readonly because: string;
    readonly bytes: number | null;
  }[];
  readonly computedStarts: readonly string[];
  readonly notices: readonly string[];
};

export type Deployment = {
  readonly id: string;
  readonly createdAt: string;
  /** Whether attempts that begin now run it. */
  readonly active: boolean;
  /** The earlier deployment that it has brought back; null for one that was built. */
  readonly restores: string | null;
  /** Where it was built; null for one that was sent to a server. */
  readonly folder: string | null;
  /** How many; null where its code is gone. */
  readonly tasks: number | null;
};

/** Compared with what is active. */
export type DeploymentChanges = {
  readonly tasks: {
    readonly added: readonly string[];
    readonly changed: readonly string[];
    readonly removed: readonly {
      readonly task: string;
      /** Unfinished ones. */
      readonly runs: number;
    }[];
  };
  readonly packages: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
  };
  readonly files: boolean;
  readonly data: {
    /** What is done to the tables. */
    readonly steps: readonly string[];
    /** What that means for stored values: that some are hidden, say. */
    readonly notices: readonly string[];
  };
};

export type DeploymentPart = {
  readonly hash: string;
  readonly name: string;
  readonly bytes: number;
  readonly count: number;
};

export type Environment = {
  readonly name: string;
  readonly createdAt: string;
  /** When its current deployment was made; null when there is none. */
  readonly deployedAt: string | null;
  /** Whether its deletion has begun: nothing is added to it any more. */
  readonly deleting: boolean;
};

export type EnvironmentContents = {
  readonly runs: number;
  /** Of the runs. */
  readonly running: number;
  /** Null: too many to count in a moment. */
  readonly objects: number | null;
  /** That were set. */
  readonly variables: number;
  readonly deployments: number;
  /** That are paused, or have settings of their own. */
  readonly queues: number;
};

export type ErrorRecord = {
  readonly name: string;
  readonly message: string;
  readonly stack: string | null;
  readonly properties?: Readonly<Record<string, string | number | boolean | null>> | undefined;
};

export type Folder = {
  readonly isWatched: boolean;
  readonly isKept: boolean;
  readonly changed: readonly string[];
  readonly problem: Problem | null;
  readonly broken?: readonly BrokenTask[] | undefined;
};

export type ListedRun = Run & {
  readonly omitted?: readonly ("parameters" | "result" | "error" | "attempts")[] | undefined;
};

export type LogLine = {
  readonly at: string;
  readonly attempt: number;
  readonly level: "debug" | "info" | "log" | "warn" | "error" | "stdout" | "stderr" | "system";
  readonly message: string;
  readonly seq: number;
};

export type Manifest = {
  readonly tasks: readonly {
    readonly name: string;
    /** Its entry, from the project's folder. */
    readonly file: string;
    readonly bundle: {
      readonly hash: string;
      readonly format: "cjs" | "esm";
      readonly bytes: number;
    };
    readonly config: TaskLimits;
    /** Packages that Node loads by itself. */
    readonly external: readonly string[];
    /** What it needs that only a spawned worker has. */
    readonly spawnNeed: string | null;
  }[];
  readonly packages: {
    readonly tree: {
      readonly hash: string;
      readonly folders: readonly {
        readonly path: string;
        readonly hash: string;
      }[];
      readonly links: readonly {
        readonly path: string;
        readonly target: string;
      }[];
    };
    /** The project's folder, from the root of the tree. */
    readonly projectPath: "" | string;
    readonly contents: readonly DeploymentPart[];
  };
  readonly files: DeploymentPart | null;
  readonly config: {
    readonly defaults?: TaskLimits | undefined;
    readonly variables?: Readonly<Record<string, string>> | undefined;
    readonly queues?: Readonly<Record<string, {
      readonly onRetry?: "wait" | "skip" | undefined;
    }>> | undefined;
    readonly retention?: {
      readonly days?: number | undefined;
      readonly runs?: number | undefined;
    } | undefined;
  };
  /** The data model; null where there is none. */
  readonly extension: unknown;
};

export type ManyChanged = {
  /** How many there were when it began. */
  readonly matched: number;
  readonly changed: number;
  /** Changed by somebody else meanwhile, or their key is taken. */
  readonly refused: number;
  /** The first ten of the refused. */
  readonly problems: readonly {
    readonly id: string;
    readonly code: string;
    readonly detail: string;
  }[];
};

export type PartHashes = {
  readonly bundles: readonly string[];
  readonly contents: readonly string[];
};

/** An error, as RFC 9457 has it. */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** What happened and, as its last words, the hint. */
  readonly detail: string;
  /** Stable. A server of a later version may have others. */
  readonly code: string;
  /** What to do. */
  readonly hint?: string | undefined;
};

export type Queue = {
  readonly name: string;
  readonly queued: number;
  readonly scheduled: number;
  readonly running: string | null;
  readonly oldestDueAt: string | null;
  readonly paused: boolean;
};

export type Run = {
  readonly id: string;
  readonly environment: string;
  readonly task: string;
  readonly parameters: unknown;
  readonly queue: string | null;
  readonly key: string | null;
  readonly state: RunState;
  readonly createdAt: string;
  readonly dueAt: string;
  readonly retryAt: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly scheduledBy: string | null;
  readonly result: unknown;
  readonly error: ErrorRecord | null;
  readonly fingerprint: string | null;
  readonly maxAttempts: number;
  readonly attempts: readonly Attempt[];
};

export type RunState = "scheduled" | "queued" | "running" | "succeeded" | "failed" | "dead" | "cancelled";

export type RunsToChange = {
  /** As for lists; all apply. */
  readonly filter: {
    readonly state?: string | undefined;
    readonly task?: string | undefined;
    readonly queue?: string | undefined;
    readonly key?: string | undefined;
    readonly scheduledBy?: string | undefined;
    readonly deployment?: string | undefined;
    readonly fingerprint?: string | undefined;
    readonly since?: string | undefined;
    readonly until?: string | undefined;
  };
  /** Count them, and change nothing. */
  readonly dryRun?: boolean | undefined;
};

export type ScheduleRequest = {
  /** The name of a task that is deployed. */
  readonly task: string;
  /** Arrives as `run(params)`; up to 5 MB. */
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
  /** When to run, with an offset from UTC. */
  readonly at?: string | undefined;
  /** A delay in milliseconds, in place of `at`. */
  readonly after?: number | undefined;
  /** Of runs with the same one, one runs at a time. */
  readonly queue?: string | undefined;
  /** While a run of the task with this key is unfinished, that one is given. */
  readonly key?: string | undefined;
};

export type Task = {
  readonly name: string;
  readonly config: {
    readonly timeoutMs: number;
    readonly memoryMb: number;
    readonly maxAttempts: number;
    readonly workerStart?: "spawn" | "fork" | undefined;
  };
};

export type TaskLimits = {
  readonly timeoutMs?: number | undefined;
  readonly memoryMb?: number | undefined;
  readonly maxAttempts?: number | undefined;
  readonly workerStart?: "spawn" | "fork" | undefined;
};

export type Variable = {
  readonly name: string;
  /** Null for one that is masked: it is never shown again. */
  readonly value: string | null;
  readonly masked: boolean;
  /** What was set counts before the configuration of the environment's project. */
  readonly source: "set" | "configuration";
  /** Null for one of the configuration. */
  readonly setAt: string | null;
};

export interface Operations {
  /** Schedules a run; where a run with its key is unfinished, gives that one. */
  'runs.schedule': {
    input: {
      readonly body: ScheduleRequest;
    };
    answer: Run;
  };
  /** Lists the runs to which all of the filters apply, newest first, a page at a time, without what is large. */
  'runs.list': {
    input: {
      /** Only runs in this state. */
      readonly state?: "scheduled" | "queued" | "running" | "succeeded" | "failed" | "dead" | "cancelled" | undefined;
      /** Only runs of this task. */
      readonly task?: string | undefined;
      /** Only runs of this queue. */
      readonly queue?: string | undefined;
      /** Only runs with this key. */
      readonly key?: string | undefined;
      /** Only runs that this run has scheduled. */
      readonly scheduledBy?: string | undefined;
      /** Only runs of which this deployment executes the attempt that is running, or executed the last one. */
      readonly deployment?: string | undefined;
      /** Only runs that have finished with an error of this `fingerprint`. */
      readonly fingerprint?: string | undefined;
      /** Only runs in whose parameters or errors there is this text, with small or capital letters (of A to Z). Looks at the newest 10000 runs of the other filters, and not at what is stored in more than 64 KB; `searched` says at how many. */
      readonly search?: string | undefined;
      /** Only runs that were scheduled then or later; with an offset from UTC. */
      readonly since?: string | undefined;
      /** Only runs that were scheduled before; with an offset from UTC. */
      readonly until?: string | undefined;
      /** The `nextCursor` of the page before. */
      readonly cursor?: string | undefined;
      /** The size of a page, up to 200; 50 by default. */
      readonly limit?: number | undefined;
    };
    answer: {
      readonly runs: readonly ListedRun[];
      /** The `cursor` of the next page; null at the end. */
      readonly nextCursor: string | null;
      /** Of a search: how many of the newest runs of the other filters were looked at up to the end of this page; 10000 at most. */
      readonly searched?: number | undefined;
    };
  };
  /** Schedules runs in one transaction: all of them or none. */
  'runs.scheduleBatch': {
    input: {
      readonly body: {
        readonly runs: readonly ScheduleRequest[];
      };
    };
    answer: {
      /** In the order of the request; of a `key` that is taken, the run that has it. */
      readonly runs: readonly {
        readonly id: string;
      }[];
    };
  };
  /** Gives a run, whole: at once, or when it is finished. */
  'runs.get': {
    input: {
      /** Of a run. */
      readonly id: string;
      /** Waits up to so many seconds for its end; 60 at most. */
      readonly wait?: number | undefined;
    };
    answer: Run;
  };
  /** Ends a waiting run at once, and has a running one killed. */
  'runs.cancel': {
    input: {
      /** Of a run. */
      readonly id: string;
    };
    answer: Run;
  };
  /** Gives a failed, dead or cancelled run a new set of attempts, due now. */
  'runs.retry': {
    input: {
      /** Of a run. */
      readonly id: string;
    };
    answer: Run;
  };
  /** Retries every failed, dead or cancelled run to which a filter applies; interrupted and asked again, it goes on. */
  'runs.retryMany': {
    input: {
      readonly body: RunsToChange;
    };
    events: {
      readonly step: string;
      readonly done: ManyChanged;
    };
  };
  /** Cancels every unfinished run to which a filter applies; interrupted and asked again, it goes on. */
  'runs.cancelMany': {
    input: {
      readonly body: RunsToChange;
    };
    events: {
      readonly step: string;
      readonly done: ManyChanged;
    };
  };
  /** Gives a run's log lines: those there are, or all as they come until the run is finished. */
  'runs.logs': {
    input: {
      /** Of a run. */
      readonly id: string;
      /** Only lines after the one with this `seq`. */
      readonly after?: number | undefined;
    };
    answer: {
      readonly lines: readonly LogLine[];
      /** The `after` of more lines; absent when these are all that there are. */
      readonly nextAfter?: number | undefined;
    };
    events: {
      readonly message: LogLine;
      readonly end: Run;
    };
  };
  /** Counts what is still to be done. */
  'runs.summariseBacklog': {
    input: {};
    answer: {
      readonly queued: number;
      readonly running: number;
      readonly inBackOff: number;
      readonly dueSoon: number;
      readonly later: number;
      readonly paused: number;
      readonly pausedQueues: readonly string[];
    };
  };
  /** Counts the runs that have ended since a time, but for one, and names the last that went wrong. */
  'runs.summariseEnded': {
    input: {
      /** When they ended, or later; with an offset from UTC. */
      readonly since: string;
      /** A run that is not counted. */
      readonly besides: string;
    };
    answer: {
      readonly counts: readonly {
        readonly task: string;
        readonly state: RunState;
        readonly runs: number;
      }[];
      readonly failures: readonly {
        readonly id: string;
        readonly task: string;
        readonly state: RunState;
        readonly message: string | null;
      }[];
    };
  };
  /** Lists the queues that have something to do or are paused, by name, a page at a time. */
  'queues.list': {
    input: {
      /** The `nextCursor` of the page before. */
      readonly cursor?: string | undefined;
      /** The size of a page, up to 10,000; that is what it is by default. */
      readonly limit?: number | undefined;
    };
    answer: {
      readonly queues: readonly Queue[];
      /** The `cursor` of the next page; absent at the end. */
      readonly nextCursor?: string | undefined;
    };
  };
  /** Starts no more runs of a queue; one that runs goes on. */
  'queues.pause': {
    input: {
      /** The name of a queue, percent-encoded. */
      readonly name: string;
    };
    answer: Queue;
  };
  /** Goes on with a paused queue. */
  'queues.resume': {
    input: {
      /** The name of a queue, percent-encoded. */
      readonly name: string;
    };
    answer: Queue;
  };
  /** Starts no more runs of a queue, whatever its name is. */
  'queues.pauseNamed': {
    input: {
      readonly body: {
        readonly queue: string;
      };
    };
    answer: Queue;
  };
  /** Goes on with a paused queue, whatever its name is. */
  'queues.resumeNamed': {
    input: {
      readonly body: {
        readonly queue: string;
      };
    };
    answer: Queue;
  };
  /** Lists the tasks that are deployed, and those of them that are broken. */
  'tasks.list': {
    input: {};
    answer: {
      readonly tasks: readonly Task[];
      readonly broken?: readonly BrokenTask[] | undefined;
    };
  };
  /** Tells of the project that this server serves. */
  'project.show': {
    input: {};
    answer: {
      readonly folder: string;
      readonly name: string;
      readonly environment: string;
      readonly version: string;
      readonly pid: number;
    };
  };
  /** Tells how the folder of the server stands to what is deployed; one that is watched is deployed first. */
  'project.lookAtFolder': {
    input: {};
    answer: Folder;
    events: {
      readonly step: string;
      readonly done: Folder;
    };
  };
  /** Deploys the folder that this server serves, as it stands. */
  'project.deployFolder': {
    input: {};
    events: {
      readonly step: string;
      readonly done: DeployedProject | null;
    };
  };
  /** Lists the deployments of an environment, newest first, a page at a time. */
  'deployments.list': {
    input: {
      /** The `nextCursor` of the page before. */
      readonly cursor?: string | undefined;
      /** The size of a page, up to 100; that is what it is by default. */
      readonly limit?: number | undefined;
    };
    answer: {
      readonly deployments: readonly Deployment[];
      /** The `cursor` of the next page; absent at the end. */
      readonly nextCursor?: string | undefined;
    };
  };
  /** Deploys a project that was built elsewhere, whose parts were sent before: all of it, or nothing. */
  'deployments.create': {
    input: {
      readonly body: {
        readonly manifest: Manifest;
        /** Tell what would change, and change nothing. */
        readonly dryRun?: boolean | undefined;
        /** Cancel the waiting runs of tasks that go away. */
        readonly cancelRemoved?: boolean | undefined;
      };
    };
    events: {
      readonly step: string;
      readonly done: {
        readonly dryRun: boolean;
        readonly changes: DeploymentChanges;
        /** Null after a dry run, and for what was built where it is deployed. */
        readonly check: {
          /** The one that has loaded each task; null where none has. */
          readonly runner: string | null;
          /** Why it was not checked; null where it was. */
          readonly why: string | null;
          /** Tasks that use `DB` or `CloudCode` while they load. */
          readonly unchecked: readonly string[];
        } | null;
        /** Null after a dry run. */
        readonly deployed: DeployedProject | null;
        /** Of tasks that are gone. */
        readonly cancelledRuns: number;
      };
    };
  };
  /** Tells what a deployment is made of. */
  'deployments.show': {
    input: {
      /** The number of a deployment. */
      readonly id: string;
    };
    answer: {
      readonly deployment: Deployment;
      readonly tasks: readonly {
        readonly name: string;
        readonly bundleHash: string;
        readonly config: Readonly<Record<string, unknown>>;
      }[];
      readonly packages: readonly string[];
      readonly files: {
        readonly count: number;
        readonly bytes: number;
      } | null;
      readonly models: readonly string[];
      /** The names of those of the project's configuration. */
      readonly variables: readonly string[];
    };
  };
  /** Tells what bringing an earlier deployment back would change. */
  'deployments.plan': {
    input: {
      /** The number of a deployment. */
      readonly id: string;
    };
    answer: {
      readonly deployment: Deployment;
      readonly changes: DeploymentChanges;
    };
  };
  /** Brings an earlier deployment back: a new one is made of the same, and is active. */
  'deployments.activate': {
    input: {
      /** The number of a deployment. */
      readonly id: string;
    };
    events: {
      readonly step: string;
      readonly done: {
        /** The one that is active now. */
        readonly deployment: Deployment;
        /** False when it was active already. */
        readonly changed: boolean;
        readonly settings: readonly string[];
        readonly notices: readonly string[];
      };
    };
  };
  /** Tells which parts of a deployment have to be sent; the others stay for an hour at least. */
  'deployments.missing': {
    input: {
      readonly body: PartHashes;
    };
    answer: PartHashes;
  };
  /** Begins to send a part of a deployment; one that nobody goes on with for an hour is deleted. */
  'deployments.beginUpload': {
    input: {};
    answer: {
      readonly id: string;
    };
  };
  /** Sends a piece of a part, at most 2 MB; all pieces together are one stream of zstd. */
  'deployments.putPiece': {
    input: {
      /** The id of an upload. */
      readonly upload: string;
      /** The first piece is 0. */
      readonly number: number;
      readonly body: Uint8Array;
    };
    answer: Readonly<Record<string, unknown>>;
  };
  /** Makes an upload the bundle of a task, if it is what its hash says. */
  'deployments.completeBundle': {
    input: {
      /** The id of an upload. */
      readonly upload: string;
      readonly body: {
        readonly hash: string;
        readonly format: "cjs" | "esm";
        readonly codeBytes: number;
        readonly sourceMapBytes: number;
      };
    };
    answer: Readonly<Record<string, unknown>>;
  };
  /** Makes an upload the files of a package or a project, if they are what their hash says. */
  'deployments.completeContent': {
    input: {
      /** The id of an upload. */
      readonly upload: string;
      readonly body: {
        readonly hash: string;
        readonly name: string;
        readonly files: readonly {
          readonly path: string;
          readonly bytes: number;
          readonly isExecutable: boolean;
        }[];
      };
    };
    answer: Readonly<Record<string, unknown>>;
  };
  /** Lists the environments, in the order in which they were made. */
  'environments.list': {
    input: {};
    answer: {
      readonly environments: readonly Environment[];
    };
  };
  /** Makes an environment: a space of its own for data, variables, deployments, runs and queues. */
  'environments.create': {
    input: {
      readonly body: {
        readonly name: string;
      };
    };
    answer: Environment;
  };
  /** Tells how much there is in an environment. */
  'environments.show': {
    input: {};
    answer: EnvironmentContents;
  };
  /** Cancels what runs in an environment, waits until it is gone, and deletes everything; asked again, it goes on. */
  'environments.delete': {
    input: {
      readonly body: {
        /** The name of the environment once more. */
        readonly confirm: string;
      };
    };
    events: {
      readonly step: string;
      readonly done: EnvironmentContents | null;
    };
  };
  /** Lists the variables that tasks find in their process, those of the project's configuration included. */
  'variables.list': {
    input: {};
    answer: {
      readonly variables: readonly Variable[];
    };
  };
  /** Sets variables, all or none; attempts that begin afterwards have them. */
  'variables.set': {
    input: {
      readonly body: {
        readonly variables: readonly {
          readonly name: string;
          readonly value: string;
          /** Absent: as it is, and not masked when it is new. */
          readonly masked?: boolean | undefined;
        }[];
      };
    };
    answer: {
      readonly variables: readonly Variable[];
    };
  };
  /** Takes back variables that were set, all or none; those of the configuration count again. */
  'variables.unset': {
    input: {
      readonly body: {
        readonly names: readonly string[];
      };
    };
    answer: {
      readonly variables: readonly Variable[];
    };
  };
  /** Puts a new master key in the place of the one that masked variables are encrypted with. */
  'keys.rotate': {
    input: {};
    answer: {
      /** How many have masked variables. */
      readonly environments: number;
      /** Tells master keys apart; nothing can be concluded from it. */
      readonly masterKeyId: string;
    };
  };
  /** Describes the API in the OpenAPI format. */
  'openapi.show': {
    input: {};
    answer: {
      readonly openapi: "3.1.1";
      readonly info: {
        readonly title: string;
        readonly version: string;
      };
      readonly paths: Readonly<Record<string, unknown>>;
      readonly components: Readonly<Record<string, unknown>>;
    };
  };
  /** Answers while the process lives. */
  'health.live': {
    input: {};
    answer: {
      readonly status: "ok";
    };
  };
  /** Answers while the server can reach its database, wants work, and its machine can start it. */
  'health.ready': {
    input: {};
    answer: {
      readonly status: "ok";
    };
  };
}
