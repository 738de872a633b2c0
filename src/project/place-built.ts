import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FolderToKeep, KeptFile } from '../engine/core/kept-folder.ts';
import { folderHasher } from '../contents/hash-folder.ts';
import { listFile } from './packages/list-files.ts';

interface Asked {
  /** The project's. */
  readonly folder: string;
  /** Of the project, as they are. */
  readonly files: FolderToKeep | null;
  /** What was built to stand where its source does, by path relative to the project's folder. */
  readonly placed: ReadonlyMap<string, string>;
}

const manifest = 'package.json';

/** The files of a project, with those that were built in place of their sources. */
export async function placeBuilt({ folder, files, placed }: Asked): Promise<FolderToKeep | null> {
  if (placed.size === 0) return files;
  const own = (files?.files ?? []).filter(({ path }) => !placed.has(path) && path !== manifest);
  const made = [...placed].map(([path, code]) => ({ path, bytes: Buffer.byteLength(code), isExecutable: false }));
  // It says what Node takes their code for.
  const told = existsSync(join(folder, manifest)) ? [listFile(folder, manifest)].filter((one) => one !== null) : [];
  const all = [...own, ...made, ...told]
    .map(({ path, bytes, isExecutable }): KeptFile => ({ path, bytes, isExecutable }))
    .toSorted((left, right) => (left.path < right.path ? -1 : 1));
  const hasher = folderHasher();
  for (const file of all) {
    hasher.beginFile(file);
    const code = placed.get(file.path);
    hasher.update(code === undefined ? await readFile(join(folder, file.path)) : Buffer.from(code));
  }
  return { name: 'files', hash: hasher.digest(), files: all, source: folder, built: placed };
}
