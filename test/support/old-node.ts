import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { isNodeNewEnough } from '../../src/project/machine-node.ts';

/** The command of a Node that is too old: the machine's, or where it has none, this one, which then says that it is Node 20. */
export function oldNode(): readonly [string, ...string[]] {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  const old = [...folders, '/usr/bin', '/usr/local/bin']
    .map((folder) => join(folder, 'node'))
    .find((file) => existsSync(file) && isOld(file));
  return old === undefined
    ? [process.execPath, '--require', join(import.meta.dirname, '../fixtures/old-node.cjs')]
    : [old];
}

function isOld(file: string): boolean {
  return !isNodeNewEnough(execFileSync(file, ['--version'], { encoding: 'utf8' }).trim().slice(1));
}
