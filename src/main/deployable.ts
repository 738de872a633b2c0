import { dataDeployment } from '../data/extension.ts';
import type { DeployableProject } from '../engine/operations/deployment-state.ts';
import type { BuiltProject } from '../project/build-project.ts';

/** A project as it was built, with what its data model adds to a deployment. */
export function deployable(built: BuiltProject): DeployableProject {
  return { ...built, extension: dataDeployment(built.extension) };
}
