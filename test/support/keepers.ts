import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBuildCache } from '../../src/project/build-cache.ts';
import { packagesFile, readPackageSources } from '../../src/contents/remembered-contents.ts';
import { contentReader } from '../../src/project/packages/remember-contents.ts';
import { writeWhole } from '../../src/contents/write-whole.ts';
import { keep, readKept } from '../../src/engine/worker/kept-file.ts';

/** Keeps one text, of which the first letter stands for all. */
export interface Keeper {
  /** Says where nothing can be written, or goes without. */
  readonly says: boolean;
  write(text: string): Promise<void>;
  /** Null when there is none. */
  read(): Promise<string | null>;
}

/** All that put files into the folders of a machine, by name. */
export const keepers = {
  'a bundle': (folder: string): Keeper => of(folder, true),
  'a stamp of a layout': (folder: string): Keeper => of(folder, false),
  'a build of a task'(folder: string): Keeper {
    const source = join(folder, 'source.ts');
    const cache = () => openBuildCache<string>(join(folder, 'build'), { folder, of: null });
    writeFileSync(source, '', { flag: 'a' });
    return {
      says: false,
      write: (text) => cache().write('task', text, { read: [source], beganAtMs: Infinity }),
      read: async () => cache().read('task'),
    };
  },
  'hashes of packages'(folder: string): Keeper {
    return {
      says: false,
      async write(text) {
        const reader = await contentReader(packagesFile(folder));
        await reader.read({ name: 'package', folder: text, files: [] });
        await reader.save();
      },
      read: async () => [...(await readPackageSources(folder)).values()][0] ?? null,
    };
  },
  'compiled code'(folder: string): Keeper {
    const path = join(folder, 'code/kept');
    return {
      says: false,
      async write(text) {
        keep(path, () => [Buffer.from(text.slice(0, 1)), Buffer.from(text.slice(1))]);
      },
      read: async () => readKept(path)?.toString() ?? null,
    };
  },
} as const;

export type KeeperName = keyof typeof keepers;

function of(folder: string, isFlushed: boolean): Keeper {
  const path = join(folder, 'deep/file');
  mkdirSync(folder, { recursive: true });
  return {
    says: true,
    write: (text) => writeWhole(path, text, { isFlushed }),
    async read() {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return null;
      }
    },
  };
}
