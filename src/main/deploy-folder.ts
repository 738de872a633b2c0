import { buildApart } from '../project/build-process/build-apart.ts';
import { deployable } from './deployable.ts';
import type { Store } from '../engine/store/open-store.ts';
import { deployProject, deployUnlessReplaced, type Replacement } from '../engine/operations/deploy-project.ts';

interface FolderToDeploy {
  readonly folder: string;
  readonly environment: string;
  readonly deploy: 'always' | 'unless_replaced';
  readonly onStep: (step: string) => void;
}

/**
 * Deploys a folder as it stands to a store, once, without the tasks that are broken; `unless_replaced` as in SystemOptions.
 * @returns what has replaced its state since
 * @throws CloudCodeError of the project
 */
export async function deployFolder(store: Store, options: FolderToDeploy): Promise<Replacement | null> {
  const { folder, environment, deploy, onStep } = options;
  const built = await buildApart(folder, { brokenTasks: 'pass_over', onStep });
  if (built === null) return null;
  const deployed = await (deploy === 'always' ? deployProject : deployUnlessReplaced)(
    store,
    environment,
    deployable(built),
  );
  return 'replacedAt' in deployed ? deployed : null;
}
