import { join, posix } from 'node:path';
import type { ClaimedRun } from '../store/claim-runs.ts';
import type { BundleCache, BundleFiles } from './bundle-cache.ts';
import { DeploymentDamaged } from './deployment-damaged.ts';
import type { DeploymentFolder, DeploymentFolders } from './deployed/deployment-folders.ts';
import type { ExtensionStates } from './extension-states.ts';

/** What a run's deployment gives its attempt. */
export interface TaskCode {
  readonly files: BundleFiles;
  /** What the extension has added to it; null for nothing. */
  readonly state: unknown;
  /** Of the deployment; null where it has none, and its tasks use the project's. */
  readonly deployed: DeploymentFolder | null;
}

export interface TaskCodeSources {
  readonly bundles: BundleCache;
  readonly states: ExtensionStates;
  readonly deployments: DeploymentFolders;
}

/** What says which code it is. */
type TaskToRead = Pick<
  ClaimedRun,
  'environment' | 'task' | 'bundleHash' | 'bundleFormat' | 'stateHash' | 'place' | 'file'
>;

/** All of it is on this machine when it resolves. @throws DeploymentDamaged, or a fault of the machine or the database */
export async function readTaskCode(
  run: TaskToRead,
  { bundles, states, deployments }: TaskCodeSources,
): Promise<TaskCode> {
  if (run.bundleHash === '')
    throw new DeploymentDamaged(`No deployment of ${run.environment} has the task ${run.task}.`);
  const reading = states(run.stateHash);
  reading.catch(() => undefined); // it may fail before it is waited for
  const deployed = run.place === null ? null : await deployments(run.place);
  const place = deployed === null || run.file === null ? undefined : join(deployed.project, posix.dirname(run.file));
  const [files, state] = await Promise.all([bundles.files(run.bundleHash, run.bundleFormat, place), reading]);
  return { files, state, deployed };
}

/** The same for runs whose attempts may load more of it: it is marked as used, and what has gone meanwhile is written again. @throws what the first that failed threw, after all */
export async function readAgain(runs: readonly ClaimedRun[], sources: TaskCodeSources): Promise<void> {
  const failed = (await Promise.allSettled(runs.map((run) => readTaskCode(run, sources)))).find(
    (result) => result.status === 'rejected',
  );
  if (failed !== undefined) throw failed.reason;
}
