import { platform } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { emptyFolder, removeFolder } from './cgroup-folder.ts';
import type { UnkilledWorker } from './containment.ts';
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

/**
 * Ends every process of a dead runner's workers, and resolves when they are gone.
 * @throws as `endWorkers`
 */
export async function endRunnerProcesses(runner: EndedRunner): Promise<void> {
  await endWorkers(runner);
  if (runner.cgroupPath !== null) removeFolder(runner.cgroupPath);
}

/**
 * Ends every process of a runner's workers, and resolves when they are gone; the runner may live. First what its cgroup holds; then, also where there is a cgroup, what has the
 * runner's id as `CLOUDCODE_RUNNER` in its environment, with all that descends from it: the runner may have died, or been stopped, before it had put a new worker into the cgroup.
 *
 * @throws when they could not be looked at: then nothing is known of them. What could be killed was killed
 */
export async function endWorkers({ runnerId, cgroupPath }: EndedRunner): Promise<void> {
  const runner = { variable: 'CLOUDCODE_RUNNER', id: runnerId } as const;
  await bothEnded(endCgroup(cgroupPath), endMarked(runner));
  await delay(startingUpMs);
  await endMarked(runner);
}

/** Ends every process of one worker. @throws as `endWorkers` */
export function endWorker({ workerId, cgroupPath }: UnkilledWorker): Promise<void> {
  return bothEnded(endCgroup(cgroupPath), endMarked({ variable: 'CLOUDCODE_ATTEMPT', id: workerId }));
}

/** When one fails, the other is finished first. */
async function bothEnded(...endings: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(endings);
  await Promise.all(endings);
}

async function endCgroup(cgroupPath: string | null): Promise<void> {
  if (cgroupPath !== null) await emptyFolder(cgroupPath, () => undefined);
}

function endMarked({
  variable,
  id,
}: {
  readonly variable: 'CLOUDCODE_RUNNER' | 'CLOUDCODE_ATTEMPT';
  readonly id: string;
}): Promise<void> {
  const ownerOf = (environ: string): string | null => (variableOf(environ, variable) === id ? id : null);
  const table = new ProcessTable({ ownerOf, sinceTicks: 0 });
  const scan = (): Scan => (platform === 'linux' ? table.scan(new Map()) : scanByPs(new Map(), ownerOf));
  return endOwned({ owner: id, scan, onStuck: () => undefined });
}
