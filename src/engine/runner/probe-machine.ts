import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultTaskConfig } from '../core/task-config.ts';
import type { WorkerStarter } from './start-worker.ts';
import { aborted } from '../core/aborted.ts';

export interface ProbeOptions {
  readonly runnerId: string;
  /** Where bundles are written. */
  readonly folder: string;
  readonly starter: Pick<WorkerStarter, 'start'>;
}

const bytes = 64 * 1024;

/** Does what every run needs of a machine: writes a file to the disk, and starts a worker until it could take a run. Rejects with what fails. */
export async function probeMachine({ runnerId, folder, starter }: ProbeOptions, stopping: AbortSignal): Promise<void> {
  await writeFile(folder, `${runnerId}.probe.tmp`);
  await startWorker(starter, stopping);
}

async function writeFile(folder: string, name: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, name);
  const file = await open(path, 'w');
  try {
    await file.writeFile(Buffer.alloc(bytes));
    await file.sync();
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

async function startWorker(starter: ProbeOptions['starter'], stopping: AbortSignal): Promise<void> {
  await using worker = starter.start({ memoryMb: defaultTaskConfig.memoryMb, isForked: false, startVariables: '' });
  await worker.ready;
  const hasLoaded = await Promise.race([worker.loaded, aborted(stopping).then(() => false)]);
  if (!hasLoaded) throw new Error('a worker ended and had not loaded');
}
