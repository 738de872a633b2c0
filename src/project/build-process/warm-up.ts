import { join } from 'node:path';
import { openBuildCache } from '../build-cache.ts';
import { startBundler } from '../bundle.ts';
import { findProject } from '../find-project.ts';
import { listFiles } from '../packages/list-files.ts';
import { stampOf } from '../packages/read-content.ts';
import { readPackageSources } from '../../contents/remembered-contents.ts';

/**
 * Does what a build of the project does, as far as that executes none of its code, and forgets what came of it: the build to come finds its own code compiled, and what it looks at in the
 * system's memory. It looks at everything again.
 */
export async function warmUp(folder: string, cache: string): Promise<void> {
  await startBundler();
  try {
    const project = await findProject(folder);
    const tasks = openBuildCache(join(cache, 'build'), { folder: project.folder, of: [] });
    for (const { name } of project.tasks) tasks.read(name);
    for (const source of (await readPackageSources(cache)).values())
      stampOf(listFiles(source, (place) => place === join(source, 'node_modules')));
  } catch {
    // What is wrong is for the build to tell.
  }
}
