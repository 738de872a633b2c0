import { execFile } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/**
 * The version of the Node that a shell finds by itself, such as `22.15.0`; null without one. npm puts the folders of its packages
 * first on the path of what it starts, so the Node that runs this may be one that only the current project has.
 */
export async function readMachineNode(path: string): Promise<string | null> {
  const folders = path
    .split(delimiter)
    .filter((folder) => folder.startsWith('/') && !/\/node_modules\/(.*\/)?(\.bin|bin|node-gyp-bin)\/?$/.test(folder));
  for (const folder of folders) {
    try {
      const { stdout } = await execute(join(folder, 'node'), ['--version'], { timeout: 5_000 });
      return /^v(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? null;
    } catch {
      // Not here, or it cannot be executed: a shell would look further too.
    }
  }
  return null;
}

/** Whether CloudCode runs on it: the same rule as in bin/newer-node.cjs and `engines`. */
export function isNodeNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 15);
}
