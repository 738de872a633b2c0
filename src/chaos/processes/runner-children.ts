import { isAlive, listPids, readEnviron, readStat, variableOf } from '../../runner/containment/proc-files.ts';
import { knownProcess, type KnownProcess } from './known-process.ts';

export interface RunnerChildren {
  readonly workers: readonly KnownProcess[];
  /** Null while a new one is being started. */
  readonly guard: KnownProcess | null;
}

/** The workers (waiting and working) and the guard of a runner, by `/proc`. */
export function childrenOf(runnerPid: number): RunnerChildren {
  const children = listPids().filter((pid) => readStat(pid)?.ppid === runnerPid).map((pid) => ({ pid, environ: readEnviron(pid) ?? '' }));
  const marked = (name: string): readonly KnownProcess[] =>
    children.filter(({ environ }) => variableOf(environ, name) !== null).flatMap(({ pid }) => knownProcess(pid) ?? []);
  return { workers: marked('CLOUDCODE_RUNNER'), guard: marked('CLOUDCODE_GUARD_OF')[0] ?? null };
}

/** The processes that still bear the mark of one of these runners: workers, what they started, and guards. */
export function processesOf(runnerIds: ReadonlySet<string>): readonly number[] {
  return listPids().filter((pid) => {
    const environ = readEnviron(pid);
    if (environ === null || !isAlive(readStat(pid))) return false;
    return ['CLOUDCODE_RUNNER', 'CLOUDCODE_GUARD_OF'].some((name) => runnerIds.has(variableOf(environ, name) ?? ''));
  });
}
