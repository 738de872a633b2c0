import {
  isAlive,
  listPids,
  readEnviron,
  readSmallFile,
  readStat,
  variableOf,
} from '../../engine/runner/containment/proc-files.ts';
import { knownProcess, type KnownProcess } from './known-process.ts';
import { setTimeout as delay } from 'node:timers/promises';
import type { Queryable } from '../../engine/store/open-store.ts';

export interface RunnerChildren {
  readonly workers: readonly KnownProcess[];
  /** None where workers are spawned, and for a while after one was ended. */
  readonly forkServers: readonly KnownProcess[];
  /** Null while a new one is being started. */
  readonly guard: KnownProcess | null;
}

/** The workers (waiting and working), the fork servers and the guard of a runner, by `/proc`. */
export function childrenOf(runnerPid: number): RunnerChildren {
  const stats = listPids().flatMap((pid) => readStat(pid) ?? []);
  const childrenOfOne = (parent: number): readonly number[] =>
    stats.flatMap(({ pid, ppid }) => (ppid === parent ? [pid] : []));
  const marked = (pids: readonly number[], name: string): readonly number[] =>
    pids.filter((pid) => variableOf(readEnviron(pid) ?? '', name) !== null);
  const children = childrenOfOne(runnerPid);
  const ours = marked(children, 'CLOUDCODE_RUNNER');
  const servers = ours.filter(isForkServer);
  // A forked worker is the child of a fork server.
  const workers = [
    ...ours.filter((pid) => !servers.includes(pid)),
    ...servers.flatMap((server) => marked(childrenOfOne(server), 'CLOUDCODE_RUNNER')),
  ];
  const known = (pids: readonly number[]): readonly KnownProcess[] => pids.flatMap((pid) => knownProcess(pid) ?? []);
  return {
    workers: known(workers),
    forkServers: known(servers),
    guard: known(marked(children, 'CLOUDCODE_GUARD_OF'))[0] ?? null,
  };
}

function isForkServer(pid: number): boolean {
  return readSmallFile(`/proc/${pid}/cmdline`)?.includes('fork-server.cjs') === true;
}

/** The processes that still bear the mark of one of these runners: workers, what they started, and guards. */
function processesOf(runnerIds: ReadonlySet<string>): readonly number[] {
  return listPids().filter((pid) => {
    const environ = readEnviron(pid);
    if (environ === null || !isAlive(readStat(pid))) return false;
    return ['CLOUDCODE_RUNNER', 'CLOUDCODE_GUARD_OF'].some((name) => runnerIds.has(variableOf(environ, name) ?? ''));
  });
}

/** A guard that ends in order, and a zombie's last moments. */
const patienceMs = 3_000;

/** The processes that are left of all runners that ever worked on this database, after they were stopped: none, when all is well. */
export async function processesLeftOver(db: Queryable): Promise<readonly number[]> {
  const rows = await db.query<{ id: string }>({ name: 'chaos_runners', text: 'select id from cloudcode.runners' });
  const runnerIds = new Set(rows.map(({ id }) => id));
  const end = performance.now() + patienceMs;
  for (;;) {
    const left = processesOf(runnerIds);
    if (left.length === 0 || performance.now() > end) return left;
    await delay(100);
  }
}
