import { readdirSync, readFileSync, statSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deserialize, serialize } from 'node:v8';
import { placesOf } from './watch/watched-places.ts';
import { writeWhole } from '../contents/write-whole.ts';
import { sha256 } from '../contents/sha256.ts';

/** Keeps what was built, across commands, for as long as all that it was built from stands as it did. */
export interface BuildCache<Kept> {
  /** Null when there is none, or something that it was built from is not what it was. */
  read(name: string): Kept | null;
  /** @param read the files that it was built from, absolute; @param beganAtMs when the build began: nothing is kept where one of them may have been changed since */
  write(
    name: string,
    kept: Kept,
    from: { readonly read: readonly string[]; readonly beganAtMs: number },
  ): Promise<void>;
  /** Forgets all but these. */
  keepOnly(names: readonly string[]): Promise<void>;
}

interface Record<Kept> {
  readonly version: string;
  /** By absolute path: of a file, or of a folder's source files with `/*`. */
  readonly states: ReadonlyMap<string, string>;
  readonly kept: Kept;
}

/** The clock of a file system may be behind by so much. */
const clockMs = 20;
const sourceFile = /\.[cm]?[jt]sx?$/;
/** What package managers write when they have changed what is installed. */
const installed = [
  'node_modules',
  'node_modules/.package-lock.json',
  'node_modules/.modules.yaml',
  'node_modules/.yarn-state.yml',
];

/** @param place a folder of its own, which need not be there. Where it cannot be written, nothing is kept. @param of what else counts: settings of the build */
export function openBuildCache<Kept>(
  place: string,
  { folder, of }: { readonly folder: string; readonly of: unknown },
): BuildCache<Kept> {
  const version = sha256(JSON.stringify([of, folder, process.version, stateOf(fileURLToPath(import.meta.url))]));
  const known = new Map<string, string>();
  const stateNow = (path: string): string => {
    const state = known.get(path) ?? stateOf(path);
    known.set(path, state);
    return state;
  };
  const fileOf = (name: string): string => join(place, `${name}.task`);
  return {
    // At once: these are many small files.
    read(name) {
      try {
        const record = deserialize(readFileSync(fileOf(name))) as Record<Kept>;
        return record.version === version && [...record.states].every(([path, state]) => stateNow(path) === state)
          ? record.kept
          : null;
      } catch {
        return null; // none, or a damaged one
      }
    },
    async write(name, kept, { read, beganAtMs }) {
      const states = new Map((await pathsFor(folder, read)).map((path) => [path, stateNow(path)]));
      if ([...states.values()].some((state) => changedAt(state) >= beganAtMs - clockMs)) return;
      await writeWhole(fileOf(name), serialize({ version, states, kept } satisfies Record<Kept>)).catch(
        () => undefined,
      );
    },
    async keepOnly(names) {
      const files = new Set(names.map((name) => `${name}.task`));
      for (const file of await readdir(place).catch(() => []))
        if (!files.has(file)) await rm(join(place, file), { force: true }).catch(() => undefined);
    },
  };
}

/** All that decides what the sources mean: they, what may be found in the place of one, and what says how they are found. */
async function pathsFor(folder: string, read: readonly string[]): Promise<readonly string[]> {
  const { files, folders } = await placesOf(folder, read);
  const holders = new Set([
    folder,
    ...read.map((path) => dirname(path)).filter((path) => !path.includes('node_modules')),
  ]);
  for (const holder of holders) if (dirname(holder) !== holder) holders.add(dirname(holder));
  const marks = [...holders].flatMap((holder) => installed.map((name) => join(holder, name)));
  const listed = [...new Set([...folders, ...read.map((path) => dirname(path))])]
    .filter((path) => !path.includes('node_modules'))
    .map((path) => join(path, '*'));
  return [...new Set([...files, ...listed, ...marks])];
}

/** Differs when a file does. */
function stateOf(path: string): string {
  try {
    if (path.endsWith('/*'))
      return readdirSync(dirname(path))
        .filter((name) => sourceFile.test(name))
        .sort()
        .join('/');
    const found = statSync(path);
    return `@${Math.max(found.mtimeMs, found.ctimeMs)} ${found.mtimeMs} ${found.size} ${found.ino}`;
  } catch {
    return 'gone';
  }
}

function changedAt(state: string): number {
  return Number(/^@([\d.]+) /.exec(state)?.[1] ?? 0);
}
