import { findFolder } from '../project/find-project.ts';
import { deployProject } from '../engine/operations/deploy-project.ts';
import { buildApart } from '../project/build-process/build-apart.ts';
import type { DeploymentBody } from '../service/api/project.ts';
import { openFolderStore } from './open-store.ts';
import { deployable } from './deployable.ts';
import { toDeploymentBody } from './served-folder.ts';

export interface DeployOnce {
  readonly folder: string;
  readonly data: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly environment: string;
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
  signal,
  onStep,
}: DeployOnce): Promise<DeploymentBody | null> {
  const { folder } = await findFolder(given);
  const built = await buildApart(folder, { signal, cache: data, onStep });
  if (built === null) return null;
  onStep(databaseUrl === undefined ? "opening the project's store" : 'opening the database');
  const { store, close } = await openFolderStore({ folder, data, databaseUrl });
  try {
    onStep('deploying');
    return toDeploymentBody(await deployProject(store, environment, deployable(built), onStep), {
      environment,
      folder,
      report: built.report,
      computedStarts: built.computedStarts,
    });
  } finally {
    await close();
  }
}
