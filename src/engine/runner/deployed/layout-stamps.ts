import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, type Stats } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { KeptFile } from '../../core/kept-folder.ts';
import { writeWhole } from '../../../contents/write-whole.ts';
import type { StoredContent } from '../../store/contents.ts';

/** Files of a content, in its place in a folder: a path from there with `/`, or `''`. */
export interface Part {
  readonly place: string;
  readonly content: StoredContent;
  /** All of the content's, but where another part has one of the same path. */
  readonly files: readonly KeptFile[];
}

/** What a folder of this machine holds. */
export interface Layout {
  readonly parts: readonly Part[];
  /** Symbolic links; the target is relative to the link's own folder. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

/** Makes the stamp of a folder from its files as they stand. */
export interface Stamper {
  add(file: KeptFile, stat: Stats): void;
  /** Of another boot of the machine it is another: until then what was written may not have been on the disk. */
  stamp(): string;
}

export function stamper(): Stamper {
  const hash = createHash('sha256').update(boot);
  return {
    // Not the time of a change of the inode: another link to a file makes it another.
    add: ({ path }, { mtimeMs, ino }) => void hash.update(`${path}\0${mtimeMs} ${ino}\n`),
    stamp: () => hash.digest('hex'),
  };
}

/** The file beside a folder that holds the stamp that its files had when their content was known to be right. */
export function stampFile(folder: string): string {
  return `${folder}.seen`;
}

/** Null when there is none. */
export function readStamp(folder: string): Promise<string | null> {
  return readFile(stampFile(folder), 'utf8').catch(() => null);
}

/** Where it cannot be written, the content is read again at the next first use. */
export async function keepStamp(folder: string, stamp: string): Promise<void> {
  await writeWhole(stampFile(folder), stamp).catch(() => undefined);
}

/** Where the machine does not tell its boots apart, each process reads for itself. */
const boot = bootId() ?? randomUUID();

function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
  } catch {
    return null;
  }
}
