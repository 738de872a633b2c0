import { kill } from 'node:process';
import { hasEnded, isAlive, readStat } from '../../engine/runner/containment/proc-files.ts';

/** A process that is not mistaken for a later one with the same id. */
export interface KnownProcess {
  readonly pid: number;
  readonly startTicks: number;
}

export function knownProcess(pid: number): KnownProcess | null {
  const stat = readStat(pid);
  return isAlive(stat) ? { pid, startTicks: stat.startTicks } : null;
}

export function isStillAlive({ pid, startTicks }: KnownProcess): boolean {
  return !hasEnded(pid, startTicks);
}

/** @returns false when it had gone */
export function signalProcess(known: KnownProcess, signal: NodeJS.Signals): boolean {
  if (!isStillAlive(known)) return false;
  try {
    return kill(known.pid, signal);
  } catch {
    return false;
  }
}
