import { deployProject } from '../../operations/deploy-project.ts';
import { buildProject } from '../../project/build-project.ts';
import { endBundler } from '../../project/bundle.ts';
import { migrate } from '../../store/migrate.ts';
import type { Store } from '../../store/open-store.ts';
import { campaignEnvironment } from '../workload/feed-runs.ts';

/** A new database with the campaign's project. */
export async function prepareStore(store: Store, project: string): Promise<void> {
  await migrate(store);
  try {
    await deployProject(store, campaignEnvironment, await buildProject(project));
  } finally {
    await endBundler();
  }
}
