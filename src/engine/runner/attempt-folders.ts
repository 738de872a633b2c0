import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { StartMessage } from '../protocol/to-worker.ts';
import type { DeployedTask } from '../store/kept-facts.ts';
import type { TaskCode } from './task-code.ts';

/** Where a worker finds a task's code, its packages and the project's files, and where it works. @param ownFolder of the project that the runner serves; null for none */
export function attemptFolders(
  { folder: deployedFrom, file, bundleFormat }: Pick<DeployedTask, 'folder' | 'file' | 'bundleFormat'>,
  { files, deployed }: TaskCode,
  ownFolder: string | null,
): Pick<StartMessage, 'folder' | 'workingFolder' | 'bundle'> {
  // What was sent to a server has no folder but that of its deployment.
  const sent = deployedFrom === '' ? deployed?.project : undefined;
  // The machine that deployed it may have it elsewhere, and a folder can be moved.
  const workingFolder =
    sent ?? (existsSync(deployedFrom) ? deployedFrom : (ownFolder ?? deployed?.project ?? deployedFrom));
  const folder = deployed?.project ?? workingFolder;
  const base = deployed === null || file === null ? join(folder, 'package.json') : files.path;
  const bundle = { ...files, format: bundleFormat, base, packagesFolder: deployed?.packages ?? null };
  return { folder, workingFolder, bundle };
}
