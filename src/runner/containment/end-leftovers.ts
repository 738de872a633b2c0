import { basename } from 'node:path';
import { platform } from 'node:process';
import { foldersIn } from './cgroup-folder.ts';
import { endRunnerProcesses } from './end-runner.ts';
import { ownCgroup } from './find-cgroup.ts';

/**
 * Ends what the workers of a runner left that is known to be dead and was on this machine; resolves when it is gone. Its guard has done so, unless it
 * was killed together with its runner.
 */
export async function endLeftovers(runnerId: string): Promise<void> {
  const parent = platform === 'linux' ? ownCgroup() : null;
  const folder = parent === null ? undefined : foldersIn(parent).find((path) => basename(path).endsWith(`-${runnerId}`));
  await endRunnerProcesses({ runnerId, cgroupPath: folder ?? null });
}
