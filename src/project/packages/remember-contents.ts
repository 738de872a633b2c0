import { atStep, stepTeller } from '../build-steps.ts';
import {
  type FolderContent,
  loadContents,
  type Remembered,
  storeContents,
} from '../../contents/remembered-contents.ts';
import type { ListedFile } from './list-files.ts';
import { readContent, stampOf } from './read-content.ts';

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

/** The clock of a file system may be behind by so much: what was changed as late as that may change again and look the same. */
const clockMs = 20;

/** @param file in which it is kept; null: not at all. One that is not there, or cannot be read or written, costs time alone. */
export async function contentReader(file: string | null): Promise<ContentReader> {
  const before = file === null ? {} : await loadContents(file);
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
      if (file !== null && (isNew || Object.keys(now).length !== Object.keys(before).length))
        await storeContents(file, now);
    },
  };
}
