import { dataDeployment } from '../../data/extension.ts';
import { deployProject } from '../../engine/operations/deploy-project.ts';
import { buildApart } from '../../project/build-process/build-apart.ts';
import { migrate } from '../../engine/store/migrate.ts';
import type { Store } from '../../engine/store/open-store.ts';
import { auditMarks, installAudit } from '../judge/install-audit.ts';
import { campaignEnvironment } from '../workload/feed-runs.ts';

/** Makes a new database one with the campaign's project, in which all that happens is recorded. */
export async function prepareStore(store: Store, project: string): Promise<void> {
  await migrate(store);
  await installAudit(store);
  const built = await buildApart(project);
  if (built !== null)
    await deployProject(store, campaignEnvironment, { ...built, extension: dataDeployment(built.extension) });
  await auditMarks(store);
}
