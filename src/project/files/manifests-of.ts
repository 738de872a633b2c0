import { posix } from 'node:path';
import { listFile, type ListedFile } from '../packages/list-files.ts';

/** Each package.json by which Node knows what kind of code these files of a project are. */
export function manifestsOf(folder: string, paths: readonly string[]): readonly ListedFile[] {
  const holders = new Set(paths.filter((path) => /\.[jt]sx?$/.test(path)).flatMap(foldersAbove));
  return [...holders]
    .map((holder) => listFile(folder, posix.join(holder, 'package.json')))
    .filter((file) => file !== null);
}

function foldersAbove(path: string): string[] {
  const holder = posix.dirname(path);
  return holder === '.' ? [holder] : [holder, ...foldersAbove(holder)];
}
