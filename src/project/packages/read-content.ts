import { closeSync, openSync, readSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { extname, join } from 'node:path';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { addonPlatforms } from '../../engine/core/addon-platforms.ts';
import { cannotBeRead } from './cannot-be-read.ts';
import { folderHasher } from '../../contents/hash-folder.ts';
import type { FolderContent } from '../../contents/remembered-contents.ts';
import type { ListedFile } from './list-files.ts';
import { nameReader } from './names-in-source.ts';

const pieceBytes = 1_048_576;
const piece = Buffer.allocUnsafe(pieceBytes);

/** Reads every file once, one after the other. @param tell of how many are done, again and again @throws CloudCodeError `build_failed` when one cannot be read, or changes meanwhile */
export function readContent(folder: string, files: readonly ListedFile[], tell: (done: number) => void): FolderContent {
  const hasher = folderHasher();
  const names = new Set<string>();
  const platforms = new Set<string>();
  let hasAddon = false;
  for (const [done, file] of files.entries()) {
    hasher.beginFile(file);
    const namesIn = nameReader(file.path, names);
    let isStart = extname(file.path) === '.node';
    hasAddon ||= isStart;
    readPieces(join(folder, file.path), file.bytes, (part) => {
      tell(done);
      hasher.update(part);
      namesIn?.read(part);
      if (isStart) for (const platform of addonPlatforms(part)) platforms.add(platform);
      isStart = false;
    });
  }
  return { hash: hasher.digest(), names: [...names].sort(), platforms: hasAddon ? [...platforms].sort() : null };
}

/** Equal as long as no file was written, replaced, added or removed. */
export function stampOf(files: readonly ListedFile[]): string {
  const hash = createHash('sha256');
  for (const { path, stamp, isExecutable } of files) hash.update(`${path}\0${stamp}${isExecutable ? ' x' : ''}\n`);
  return hash.digest('base64url');
}

function readPieces(path: string, bytes: number, onPiece: (part: Buffer) => void): void {
  let read = 0;
  const descriptor = open(path);
  try {
    for (let count = -1; count !== 0; read += count) {
      count = readSync(descriptor, piece, 0, pieceBytes, null);
      if (count > 0) onPiece(piece.subarray(0, count));
    }
  } finally {
    closeSync(descriptor);
  }
  if (read !== bytes)
    throw new CloudCodeError('build_failed', `${path} was written while it was read.`, {
      hint: 'Try again once what installs or makes it has ended.',
    });
}

function open(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw cannotBeRead(path, error);
  }
}
