/** What a fault strikes: of one runner its processes, its connections or its clock; the database; or a task, which does it to itself. */
export type FaultTarget = 'processes' | 'connections' | 'clock' | 'database' | 'tasks';

interface FaultKindFacts {
  readonly target: FaultTarget;
  /** How often it comes, beside the others. */
  readonly weight: number;
  /** It lasts for a part of the lease from `lasts[0]` to `lasts[1]`; without it, it ends at once. */
  readonly lasts?: readonly [number, number];
  /** Needs a database server of the campaign's own. */
  readonly ownServer?: true;
  /** Strikes what is there only where workers are forked. */
  readonly forkedWorkers?: true;
  /** Needs to read what goes between runner and database: not when that is encrypted. */
  readonly plainConnections?: true;
}

const facts = {
  worker_killed: { target: 'processes', weight: 4 },
  worker_stopped: { target: 'processes', weight: 3, lasts: [0.1, 1.5] },
  runner_killed: { target: 'processes', weight: 4, lasts: [0, 1.5] },
  runner_killed_after_answer: { target: 'processes', weight: 2, lasts: [0, 1.5] },
  runner_stopped: { target: 'processes', weight: 4, lasts: [1, 2.5] },
  runner_terminated: { target: 'processes', weight: 2, lasts: [0, 0.3] },
  guard_killed: { target: 'processes', weight: 2 },
  guard_stopped: { target: 'processes', weight: 2, lasts: [0.3, 1.5] },
  fork_server_killed: { target: 'processes', weight: 3, forkedWorkers: true },
  fork_server_stopped: { target: 'processes', weight: 3, lasts: [0.3, 2.5], forkedWorkers: true },
  connections_cut: { target: 'connections', weight: 3 },
  connections_slow: { target: 'connections', weight: 2, lasts: [0.5, 2] },
  connections_blackholed: { target: 'connections', weight: 3, lasts: [0.5, 2.5] },
  commit_answer_lost: { target: 'connections', weight: 4, lasts: [0.3, 0.6], plainConnections: true },
  sessions_terminated: { target: 'connections', weight: 3, plainConnections: true },
  clock_jumped: { target: 'clock', weight: 2, lasts: [0.5, 3] },
  database_clock_jumped: { target: 'database', weight: 2, lasts: [0.1, 0.5] },
  database_restarted_fast: { target: 'database', weight: 2, ownServer: true },
  database_restarted_immediate: { target: 'database', weight: 2, ownServer: true },
  task_crashed: { target: 'tasks', weight: 2 },
  task_exited: { target: 'tasks', weight: 2 },
  task_out_of_memory: { target: 'tasks', weight: 1 },
  task_timed_out: { target: 'tasks', weight: 2 },
  task_bred: { target: 'tasks', weight: 2 },
} as const satisfies Readonly<Record<string, FaultKindFacts>>;

export type FaultKind = keyof typeof facts;

export const faultKinds = Object.keys(facts) as readonly FaultKind[];

export function factsOf(kind: FaultKind): FaultKindFacts {
  return facts[kind];
}

export function isFaultKind(name: string): name is FaultKind {
  return Object.hasOwn(facts, name);
}

/** Whether it strikes one runner: which one is part of the plan. */
export function strikesRunner(kind: FaultKind): boolean {
  return ['processes', 'connections', 'clock'].includes(facts[kind].target);
}

/** What the machine and the database allow. */
export interface Surroundings {
  readonly ownServer: boolean;
  readonly plainConnections: boolean;
  readonly forkedWorkers: boolean;
}

export interface LeftOut {
  readonly kind: FaultKind;
  readonly why: string;
}

/** Of these kinds, those that cannot be made. */
export function leftOutOf(kinds: readonly FaultKind[], surroundings: Surroundings): readonly LeftOut[] {
  return kinds.flatMap((kind) => {
    const { ownServer, plainConnections, forkedWorkers } = factsOf(kind);
    if (ownServer === true && !surroundings.ownServer)
      return [{ kind, why: "the server given by --database is not the campaign's to restart" }];
    if (plainConnections === true && !surroundings.plainConnections)
      return [{ kind, why: 'the connections are encrypted, so that nobody between can read them' }];
    if (forkedWorkers === true && !surroundings.forkedWorkers)
      return [{ kind, why: 'workers are spawned unless CLOUDCODE_WORKER_START is fork' }];
    return [];
  });
}
