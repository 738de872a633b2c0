import { join, posix } from 'node:path';
import type { DataModel } from '../../data/model/data-model.ts';
import type { ClaimedRun } from '../store/claim-runs.ts';
import type { BundleCache, BundleFiles } from './bundle-cache.ts';
import type { DataModels } from './data-models.ts';
import type { DeploymentFolder, DeploymentFolders } from './deployed/deployment-folders.ts';

/** What a run's deployment gives its attempt. */
export interface TaskCode {
  readonly files: BundleFiles;
  readonly dataModel: DataModel | null;
  /** Of the deployment; null where it has none, and its tasks use the project's. */
  readonly deployed: DeploymentFolder | null;
}

export interface TaskCodeSources {
  readonly bundles: BundleCache;
  readonly dataModels: DataModels;
  readonly deployments: DeploymentFolders;
}

/** All of it is on this machine when it resolves. @throws DeploymentDamaged, or a fault of the machine or the database */
export async function readTaskCode(
  run: ClaimedRun,
  { bundles, dataModels, deployments }: TaskCodeSources,
): Promise<TaskCode> {
  const model = dataModels(run.dataModelHash);
  model.catch(() => undefined); // it may fail before it is waited for
  const deployed = run.place === null ? null : await deployments(run.place);
  const place = deployed === null || run.file === null ? undefined : join(deployed.project, posix.dirname(run.file));
  const [files, dataModel] = await Promise.all([bundles.files(run.bundleHash, run.bundleFormat, place), model]);
  return { files, dataModel, deployed };
}

/** The same for runs whose attempts may load more of it: it is marked as used, and what has gone meanwhile is written again. @throws what the first that failed threw, after all */
export async function readAgain(runs: readonly ClaimedRun[], sources: TaskCodeSources): Promise<void> {
  const failed = (await Promise.allSettled(runs.map((run) => readTaskCode(run, sources)))).find(
    (result) => result.status === 'rejected',
  );
  if (failed !== undefined) throw failed.reason;
}
