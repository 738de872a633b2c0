import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { BuiltProject } from '../../src/project/build-project.ts';

/** Copies what a project deploys besides its bundles into a new folder, as on another machine, gone after the test. @returns the project as it stands there */
export async function layOut(t: TestContext, project: BuiltProject): Promise<BuiltProject> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'cloudcode deployment ')));
  t.after(() => rm(root, { recursive: true, force: true }));
  const {
    packages: { tree, folders, projectPath },
    files,
  } = project;
  const folder = join(root, projectPath);
  for (const { path, hash } of tree.folders) {
    const content = folders.find((one) => one.hash === hash);
    if (content === undefined) throw new Error(`There is no folder with the hash of ${path}.`);
    for (const file of content.files) await copy(join(content.source, file.path), join(root, path, file.path));
  }
  for (const { path, target } of tree.links) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await symlink(target, join(root, path));
  }
  for (const { path } of files?.files ?? []) {
    const built = files?.built?.get(path);
    if (built === undefined) await copy(join(files?.source ?? '', path), join(folder, path));
    else {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), built);
    }
  }
  for (const task of project.tasks) await mkdir(join(folder, dirname(task.file)), { recursive: true });
  return { ...project, folder };
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to);
}
