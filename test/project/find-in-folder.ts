import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { type FilesAsked, findFiles, type FoundFiles } from '../../src/project/files/find-files.ts';
import { throwErrors } from '../../src/project/problems.ts';
import { makeFolder } from './make-folder.ts';

export const index = 'cloudcode/job/index.ts';

export type Given = Partial<Omit<FilesAsked, 'tasks' | 'built' | 'inputs'>> & {
  readonly ofTask?: readonly string[];
  readonly built?: readonly string[];
};

export async function find(folder: string, given: Given = {}) {
  return (await findAll(folder, given)).files;
}

export async function findAll(folder: string, { ofTask, built = [index], ...rest }: Given = {}): Promise<FoundFiles> {
  const code = new Set(built.map((path) => join(folder, path)));
  const found = await findFiles({
    folder,
    tasks: [{ file: index, files: ofTask }],
    built: code,
    inputs: code,
    cache: null,
    ...rest,
  });
  throwErrors([...found.errors.values()].flat());
  return found;
}

export async function paths(folder: string, given: Given = {}): Promise<readonly string[]> {
  return (await find(folder, given))?.files.map(({ path }) => path) ?? [];
}

/** Files by path, each with its own path as text. */
export async function projectWith(t: TestContext, ...files: readonly string[]): Promise<string> {
  return makeFolder(t, Object.fromEntries([index, ...files].map((path) => [path, path])));
}

export async function link(folder: string, path: string, target: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await symlink(target, join(folder, path));
}
