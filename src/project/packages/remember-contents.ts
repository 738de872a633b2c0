import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { atStep, stepTeller } from '../build-steps.ts';
import { removeLeftBeside, writeWhole } from '../write-whole.ts';
import type { ListedFile } from './list-files.ts';
import { type FolderContent, readContent, stampOf } from './read-content.ts';

/** Reads folders, and remembers what it found for the next build of the same project: an unchanged folder is not read again. */
export interface ContentReader {
  read(asked: {
    readonly name: string;
    readonly folder: string;
    readonly files: readonly ListedFile[];
  }): Promise<FolderContent>;
  /** Keeps what was asked for in this build, and forgets the rest. */
  save(): Promise<void>;
}

interface Remembered extends FolderContent {
  readonly stamp: string;
}

/** Another version of the code finds other names in the same files. */
const version = 1;
/** The clock of a file system may be behind by so much: what was changed as late as that may change again and look the same. */
const clockMs = 20;

/** @param file in which it is kept; null: not at all. One that is not there, or cannot be read or written, costs time alone. */
export async function contentReader(file: string | null): Promise<ContentReader> {
  const before = file === null ? {} : await load(file);
  const now: Record<string, Remembered> = {};
  let isNew = false;
  return {
    async read({ name, folder, files }) {
      const stamp = stampOf(files);
      const known = before[folder];
      if (known?.stamp === stamp) {
        now[folder] = known;
        return known;
      }
      isNew = true;
      const beganAtMs = Date.now();
      const step = `reading ${name}`;
      const content = await atStep(step, async () => {
        using telling = stepTeller();
        return readContent(folder, files, (done) => telling.at(() => `${step}: ${done} of ${files.length} files`));
      });
      if (files.every(({ changedAtMs }) => changedAtMs < beganAtMs - clockMs)) now[folder] = { stamp, ...content };
      return content;
    },
    async save() {
      if (file !== null && (isNew || Object.keys(now).length !== Object.keys(before).length)) await store(file, now);
    },
  };
}

async function load(file: string): Promise<Readonly<Record<string, Remembered>>> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as {
      readonly version: number;
      readonly contents: Readonly<Record<string, Remembered>>;
    };
    return kept.version === version ? kept.contents : {};
  } catch {
    return {};
  }
}

/** Where nothing can be written, or no room is left, the next build reads again. */
async function store(file: string, contents: Readonly<Record<string, Remembered>>): Promise<void> {
  await writeWhole(file, JSON.stringify({ version, contents })).catch(() => undefined);
  await removeLeftBeside(file);
}

/** Where the builds that use this cache remember packages. */
export function packagesFile(cache: string): string {
  return join(cache, 'packages.json');
}

/** The folders that the last build has read as packages, by the hash of what they held then. */
export async function readPackageSources(cache: string): Promise<ReadonlyMap<string, string>> {
  return new Map(Object.entries(await load(packagesFile(cache))).map(([folder, { hash }]) => [hash, folder]));
}
