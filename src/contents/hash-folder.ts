import { createHash } from 'node:crypto';
import type { KeptFile } from '../engine/core/kept-folder.ts';

/** Makes the hash of a `KeptFolder` from its files, in order of their paths by code units. */
export interface FolderHasher {
  beginFile(file: KeptFile): void;
  /** The content of that file, in pieces of any size. */
  update(content: Uint8Array): void;
  digest(): string;
}

/** SHA-256 of each file's `[path, bytes, isExecutable]` as JSON, a line feed, and its content. */
export function folderHasher(): FolderHasher {
  const hash = createHash('sha256');
  return {
    beginFile: ({ path, bytes, isExecutable }) => void hash.update(`${JSON.stringify([path, bytes, isExecutable])}\n`),
    update: (content) => void hash.update(content),
    digest: () => hash.digest('hex'),
  };
}
