import { execFile } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';

/** What `npm install` would put into a project: this package and Node's types. */
export async function installTypes(folder: string): Promise<void> {
  await mkdir(join(folder, 'node_modules/@types'), { recursive: true });
  await symlink(packageRoot, join(folder, 'node_modules/cloudcode'));
  await symlink(join(packageRoot, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
  await symlink(join(packageRoot, 'node_modules/undici-types'), join(folder, 'node_modules/undici-types'));
}

/** Runs the real compiler in a project and gives its errors, a line each; empty when there are none. */
export function compile(folder: string, options: readonly string[] = []): Promise<readonly string[]> {
  const compiler = join(packageRoot, 'node_modules/typescript/bin/tsc');
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [compiler, '--noEmit', '--pretty', 'false', ...options],
      { cwd: folder, timeout: 60_000 },
      (error, stdout, stderr) => {
        if (error !== null && stdout === '') reject(new Error(`tsc: ${error.message} ${stderr}`));
        else resolve(stdout.split('\n').filter((line) => /error TS/.test(line)));
      },
    );
  });
}
