import { basename } from 'node:path';
import { platform } from 'node:process';
import { foldersIn } from './cgroup-folder.ts';
import { endRunnerProcesses, endWorkers } from './end-runner.ts';
import { ownCgroup } from './find-cgroup.ts';

/**
 * Ends what the workers of a runner left that is known to be dead and was on this machine; resolves when it is gone. Its guard has done so, unless it
 * was killed together with its runner.
 */
export function endLeftovers(runnerId: string): Promise<void> {
  return endRunnerProcesses({ runnerId, cgroupPath: cgroupOf(runnerId) });
}

/** Ends the workers of a runner of this machine that lives, but is stopped or starved: also when its guard is. Resolves when they are gone. */
export function endWorkersOf(runnerId: string): Promise<void> {
  return endWorkers({ runnerId, cgroupPath: cgroupOf(runnerId) });
}

function cgroupOf(runnerId: string): string | null {
  const parent = platform === 'linux' ? ownCgroup() : null;
  const folder =
    parent === null ? undefined : foldersIn(parent).find((path) => basename(path).endsWith(`-${runnerId}`));
  return folder ?? null;
}
