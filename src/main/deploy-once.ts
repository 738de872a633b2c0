import { findFolder } from '../project/find-project.ts';
import { type DeployedChanges, deployChanges } from '../engine/operations/deploy-changes.ts';
import type { BuiltProject } from '../project/build-project.ts';
import { buildApart } from '../project/build-process/build-apart.ts';
import type { SentDeployment } from '../service/api/deployments.ts';
import { openFolderStore } from './open-store.ts';
import { deployable } from './deployable.ts';
import { toDeploymentBody } from './served-folder.ts';

export interface DeployOnce {
  readonly folder: string;
  readonly data: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly environment: string;
  readonly dryRun: boolean;
  readonly cancelRemoved: boolean;
  /** Ends the build. */
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
}

/**
 * Deploys a project as it stands to its own store, or the one at `databaseUrl`. What is wrong with it is found before the store is opened.
 * @returns null when the signal ended the build
 * @throws CloudCodeError of the project, the store and the deployment
 */
export async function deployOnce({
  folder: given,
  data,
  databaseUrl,
  environment,
  dryRun,
  cancelRemoved,
  signal,
  onStep,
}: DeployOnce): Promise<SentDeployment | null> {
  const { folder } = await findFolder(given);
  const built = await buildApart(folder, { signal, cache: data, onStep });
  if (built === null) return null;
  onStep(databaseUrl === undefined ? "opening the project's store" : 'opening the database');
  const { store, close } = await openFolderStore({ folder, data, databaseUrl });
  try {
    const how = { dryRun, cancelRemoved, signal, onProgress: onStep };
    return toSentDeployment(await deployChanges(store, environment, deployable(built), how), { ...built, environment });
  } finally {
    await close();
  }
}

function toSentDeployment(
  { changes, check, deployed, cancelledRuns }: DeployedChanges,
  built: Pick<BuiltProject, 'folder' | 'report' | 'computedStarts'> & { readonly environment: string },
): SentDeployment {
  const body = deployed === null ? null : toDeploymentBody(deployed, built);
  return { dryRun: deployed === null, changes, check, deployed: body, cancelledRuns };
}
