import { closeSync, constants as flags, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { CloudCodeError } from '../core/errors.ts';
import type { FolderToKeep, KeptFile } from '../core/kept-folder.ts';
import { type FolderHasher, folderHasher } from '../../contents/hash-folder.ts';

/** Of a piece, compressed: one row of the database. */
const pieceBytes = 2 * 1024 * 1024;
const readBytes = 256 * 1024;
/** What it takes to open a file, as bytes that are read in that time: so much and `readBytes` are a few milliseconds, then others have their turn. */
const fileCost = 16 * 1024;
/** Where it takes half the time of the next, for a twentieth more bytes. */
const level = 3;

/**
 * Compresses the files of a folder, one after another, and hands the stream over in pieces; of the folder no more than a few MB is in memory.
 * @throws CloudCodeError `files_changed` when they are not (any more) what the folder's hash says
 */
export async function packContent(folder: FolderToKeep, keep: (data: Buffer) => Promise<void>): Promise<void> {
  const hasher = folderHasher();
  const zstd = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: level } });
  await pipeline(readFiles(folder, hasher), zstd, async (compressed: AsyncIterable<Buffer>) => {
    for await (const piece of inPieces(compressed, pieceBytes)) await keep(piece);
  });
  if (hasher.digest() !== folder.hash) throw changed(folder);
}

async function* readFiles(folder: FolderToKeep, hasher: FolderHasher): AsyncGenerator<Buffer> {
  yield* inPieces(readPieces(folder, hasher), readBytes);
}

async function* readPieces(folder: FolderToKeep, hasher: FolderHasher): AsyncGenerator<Buffer> {
  let readAtOnce = 0;
  for (const file of folder.files) {
    const built = folder.built?.get(file.path);
    if (built !== undefined) {
      const code = Buffer.from(built);
      hasher.beginFile(file);
      hasher.update(code);
      yield code;
      continue;
    }
    if (file.bytes <= readBytes) {
      const content = readSmall(folder, file);
      hasher.beginFile(file);
      hasher.update(content);
      yield content;
      readAtOnce += content.length + fileCost;
      if (readAtOnce < readBytes) continue;
      readAtOnce = 0;
      await setImmediate();
      continue;
    }
    const opened = await open(join(folder.source, file.path)).catch((error: unknown) => {
      throw changed(folder, error);
    });
    try {
      refuseOther(folder, file, await opened.stat());
      hasher.beginFile(file);
      for await (const piece of piecesOf(opened, file.bytes)) {
        hasher.update(piece);
        yield piece;
      }
    } finally {
      await opened.close();
    }
  }
}

/** Without a thread for each of the four steps: of many small files these take most of the time. */
function readSmall(folder: FolderToKeep, file: KeptFile): Buffer {
  let descriptor: number;
  try {
    // One that has become a pipe is not waited for.
    descriptor = openSync(join(folder.source, file.path), flags.O_RDONLY | flags.O_NONBLOCK);
  } catch (error) {
    throw changed(folder, error);
  }
  try {
    refuseOther(folder, file, fstatSync(descriptor));
    const content = Buffer.allocUnsafe(file.bytes);
    // Fewer bytes where the file has become shorter: that is for the hash to tell.
    return content.subarray(0, readSync(descriptor, content, 0, file.bytes, null));
  } finally {
    closeSync(descriptor);
  }
}

function refuseOther(folder: FolderToKeep, { bytes, isExecutable }: KeptFile, stat: Stats): void {
  if (!stat.isFile() || stat.size !== bytes || ((stat.mode & 0o100) !== 0) !== isExecutable) throw changed(folder);
}

/** Fewer bytes where the file has become shorter: that is for the hash to tell. */
async function* piecesOf(file: FileHandle, bytes: number): AsyncGenerator<Buffer> {
  for (let left = bytes; left > 0;) {
    const { bytesRead, buffer } = await file.read(
      Buffer.allocUnsafe(Math.min(left, readBytes)),
      0,
      Math.min(left, readBytes),
      null,
    );
    if (bytesRead === 0) return;
    left -= bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Joins what comes until it is that long: many small files are one piece. */
async function* inPieces(chunks: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    waiting.push(chunk);
    length += chunk.length;
    if (length < bytes) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(waiting);
}

function changed({ name, source }: FolderToKeep, cause?: unknown): CloudCodeError {
  return new CloudCodeError(
    'files_changed',
    `The files of ${name} in ${source} changed while they were being deployed. Nothing was deployed.`,
    {
      hint: 'Deploy again when whatever changes them (an installation of packages, an editor) has finished.',
      cause,
    },
  );
}
