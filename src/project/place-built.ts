import { constants, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { FolderToKeep, KeptFile } from '../core/kept-folder.ts';
import { folderHasher } from './packages/hash-folder.ts';

interface Asked {
  /** The project's. */
  readonly folder: string;
  /** Of the project, as they are. */
  readonly files: FolderToKeep | null;
  /** What was built to stand where its source does, by path relative to the project's folder. */
  readonly placed: ReadonlyMap<string, string>;
  readonly cache: string | null;
}

const manifest = 'package.json';

/** The files of a project, with those that were built in place of their sources. */
export async function placeBuilt({ folder, files, placed, cache }: Asked): Promise<FolderToKeep | null> {
  if (placed.size === 0) return files;
  const own = (files?.files ?? []).filter(({ path }) => !placed.has(path) && path !== manifest);
  const made = [...placed].map(([path, code]): KeptFile => ({ path, bytes: Buffer.byteLength(code), isExecutable: false }));
  const size = await stat(join(folder, manifest)).catch(() => null);
  // It says what Node takes their code for.
  const told = size === null ? [] : [{ path: manifest, bytes: size.size, isExecutable: false }];
  const all = [...own, ...made, ...told].toSorted((left, right) => (left.path < right.path ? -1 : 1));
  const hasher = folderHasher();
  for (const file of all) {
    hasher.beginFile(file);
    const code = placed.get(file.path);
    hasher.update(code === undefined ? await readFile(join(folder, file.path)) : Buffer.from(code));
  }
  const hash = hasher.digest();
  return { name: 'files', hash, files: all, source: await lay(all, { folder, placed, cache, hash }) };
}

/** Lays them out in a folder of their own. */
async function lay(files: readonly KeptFile[], { folder, placed, cache, hash }: Omit<Asked, 'files'> & Pick<FolderToKeep, 'hash'>): Promise<string> {
  const place = cache === null ? null : join(cache, 'build-files');
  const made = place === null ? null : await mkdir(place, { recursive: true }).then(() => place, () => null);
  const staging = await mkdtemp(join(made ?? tmpdir(), 'cloudcode-files-'));
  for (const { path } of files) {
    const target = join(staging, path);
    await mkdir(dirname(target), { recursive: true });
    const code = placed.get(path);
    // Not as a link, which would change the source's own state.
    if (code === undefined) await copyFile(join(folder, path), target, constants.COPYFILE_FICLONE);
    else await writeFile(target, code);
  }
  if (made === null) return staging;
  const final = join(made, hash);
  await forgetOthers(made, [staging, final]);
  await rm(final, { recursive: true, force: true });
  await rename(staging, final);
  return final;
}

const keptMs = 3_600_000;

/** A deployment under way reads from its own. */
async function forgetOthers(place: string, own: readonly string[]): Promise<void> {
  for (const name of await readdir(place)) {
    const path = join(place, name);
    if (!own.includes(path) && Date.now() - (await stat(path)).mtimeMs > keptMs) await rm(path, { recursive: true, force: true });
  }
}
