import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { listFile, type ListedFile } from '../packages/list-files.ts';

/** Each package.json by which Node knows what kind of code these files of a project are. */
export function manifestsOf(folder: string, paths: readonly string[]): readonly ListedFile[] {
  const holders = new Set(paths.filter((path) => /\.[jt]sx?$/.test(path)).flatMap(foldersAbove));
  return [...holders].map((holder) => posix.join(holder, 'package.json')).filter((path) => existsSync(join(folder, path))).map((path) => listFile(folder, path));
}

function foldersAbove(path: string): string[] {
  const holder = posix.dirname(path);
  return holder === '.' ? [holder] : [holder, ...foldersAbove(holder)];
}
