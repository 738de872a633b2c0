import { buildApart } from '../project/build-process/build-apart.ts';
import type { Store } from '../store/open-store.ts';
import { deployProject, deployUnlessReplaced, type Replacement } from './deploy-project.ts';
import { refuseOtherEnvironment } from './only-environment.ts';

/**
 * Deploys a folder as it stands to a store, once; `unless_replaced` as in SystemOptions.
 * @returns what has replaced its state since
 * @throws CloudCodeError of the project
 */
export async function deployFolder(store: Store, options: { readonly folder: string; readonly environment: string; readonly deploy: 'always' | 'unless_replaced' }): Promise<Replacement | null> {
  const { folder, environment, deploy } = options;
  refuseOtherEnvironment(environment);
  const built = await buildApart(folder);
  if (built === null) return null;
  const deployed = await (deploy === 'always' ? deployProject : deployUnlessReplaced)(store, environment, built);
  return 'replacedAt' in deployed ? deployed : null;
}
