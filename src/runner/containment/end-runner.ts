import { platform } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { emptyFolder, removeFolder } from './cgroup-folder.ts';
import { endOwned } from './end-owned.ts';
import { variableOf } from './proc-files.ts';
import { ProcessTable } from './process-table.ts';
import type { Scan } from './process-table.ts';
import { scanByPs } from './ps-table.ts';

/** A process that the runner was just starting when it died gets its environment within this time. */
const startingUpMs = 100;

interface EndedRunner {
  readonly runnerId: string;
  /** Of its workers; null where there was none. */
  readonly cgroupPath: string | null;
}

/** Ends every process of a dead runner's workers, and resolves when they are gone. */
export async function endRunnerProcesses(runner: EndedRunner): Promise<void> {
  await endWorkers(runner);
  if (runner.cgroupPath !== null) removeFolder(runner.cgroupPath);
}

/**
 * Ends every process of a runner's workers, and resolves when they are gone; the runner may live. First what its cgroup holds; then, also where there is a cgroup, what has the
 * runner's id as `CLOUDCODE_RUNNER` in its environment, with all that descends from it: the runner may have died, or been stopped, before it had put a new worker into the cgroup.
 */
export async function endWorkers({ runnerId, cgroupPath }: EndedRunner): Promise<void> {
  await Promise.all([endCgroup(cgroupPath), endMarked(runnerId)]);
  await delay(startingUpMs);
  await endMarked(runnerId);
}

async function endCgroup(cgroupPath: string | null): Promise<void> {
  if (cgroupPath === null) return;
  try {
    await emptyFolder(cgroupPath, () => undefined);
  } catch {
    // It may be written to no longer: the marker is what is left.
  }
}

function endMarked(runnerId: string): Promise<void> {
  const ownerOf = (environ: string): string | null => (variableOf(environ, 'CLOUDCODE_RUNNER') === runnerId ? runnerId : null);
  // A new table for each scan: a process between fork and exec shows the environment of the runner, and must be looked at again.
  const scan = (): Scan => (platform === 'linux' ? new ProcessTable({ ownerOf, sinceTicks: 0 }).scan(new Map()) : scanByPs(new Map(), ownerOf));
  return endOwned({ owner: runnerId, scan, onStuck: () => undefined });
}
