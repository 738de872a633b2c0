/** What a fault happens to: one runner (its processes and connections), the database, or a task, which does it to itself. */
export type FaultTarget = 'runner' | 'database' | 'task';

interface FaultKindFacts {
  readonly target: FaultTarget;
  /** How often it comes, beside the others. */
  readonly weight: number;
  /** It lasts for a part of the lease from `lasts[0]` to `lasts[1]`; without it, it is over at once. */
  readonly lasts?: readonly [number, number];
  /** Needs a database server of the campaign's own. */
  readonly ownServer?: true;
  /** Needs to read what goes between runner and database: not when that is encrypted. */
  readonly plainConnections?: true;
}

const facts = {
  worker_killed: { target: 'runner', weight: 4 },
  worker_stopped: { target: 'runner', weight: 3, lasts: [0.1, 1.5] },
  runner_killed: { target: 'runner', weight: 4, lasts: [0, 1.5] },
  runner_stopped: { target: 'runner', weight: 4, lasts: [1, 2.5] },
  runner_terminated: { target: 'runner', weight: 2, lasts: [0, 0.3] },
  guard_killed: { target: 'runner', weight: 2 },
  guard_stopped: { target: 'runner', weight: 2, lasts: [0.3, 1.5] },
  connections_cut: { target: 'runner', weight: 3 },
  connections_slow: { target: 'runner', weight: 2, lasts: [0.5, 2] },
  connections_blackholed: { target: 'runner', weight: 3, lasts: [0.5, 2.5] },
  commit_answer_lost: { target: 'runner', weight: 4, lasts: [0.3, 0.6], plainConnections: true },
  sessions_terminated: { target: 'runner', weight: 3, plainConnections: true },
  clock_jumped: { target: 'runner', weight: 2, lasts: [0.5, 3] },
  database_restarted_fast: { target: 'database', weight: 2, ownServer: true },
  database_restarted_immediate: { target: 'database', weight: 2, ownServer: true },
  task_crashed: { target: 'task', weight: 2 },
  task_exited: { target: 'task', weight: 2 },
  task_out_of_memory: { target: 'task', weight: 1 },
  task_timed_out: { target: 'task', weight: 2 },
  task_bred: { target: 'task', weight: 2 },
} as const satisfies Readonly<Record<string, FaultKindFacts>>;

export type FaultKind = keyof typeof facts;

export const faultKinds = Object.keys(facts) as readonly FaultKind[];

export function factsOf(kind: FaultKind): FaultKindFacts {
  return facts[kind];
}

/** What the machine and the database allow. */
export interface Surroundings {
  readonly ownServer: boolean;
  readonly plainConnections: boolean;
}

export interface LeftOut {
  readonly kind: FaultKind;
  readonly why: string;
}

export function leftOutIn(surroundings: Surroundings): readonly LeftOut[] {
  return faultKinds.flatMap((kind) => {
    const { ownServer, plainConnections } = factsOf(kind);
    if (ownServer === true && !surroundings.ownServer) return [{ kind, why: 'the server given by --database is not the campaign\'s to restart' }];
    if (plainConnections === true && !surroundings.plainConnections) return [{ kind, why: 'the connections are encrypted, so that nobody between can read them' }];
    return [];
  });
}
