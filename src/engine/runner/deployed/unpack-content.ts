import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import type { KeptFile } from '../../core/kept-folder.ts';
import { folderHasher } from '../../../contents/hash-folder.ts';
import { readContentPart, type StoredContent } from '../../store/contents.ts';
import type { Queryable } from '../../store/open-store.ts';
import { DeploymentDamaged } from '../deployment-damaged.ts';
import { codeOf } from '../../core/thrown.ts';

/**
 * Writes files of a content from the database; of the whole no more than a few MB is in memory.
 * @throws DeploymentDamaged when the content there is not what its hash says
 */
export async function unpackContent(
  db: Queryable,
  content: StoredContent,
  to: string,
  wanted: readonly KeptFile[],
): Promise<void> {
  const damaged = (how: string): DeploymentDamaged =>
    new DeploymentDamaged(`The files of ${content.name} (${content.hash}) in the database are ${how}.`);
  const hasher = folderHasher();
  const writeFile = openWriting(to, new Set(wanted.map(({ path }) => path)));
  const parts = readParts(db, content.uploadId);
  const write = async (bytes: AsyncIterable<Buffer>): Promise<void> => {
    const reader = readerOf(bytes);
    for (const file of content.files) {
      hasher.beginFile(file);
      await writeFile(file, async (target) => {
        for (let left = file.bytes; left > 0;) {
          const piece = await reader.next(left);
          if (piece === null) throw damaged('not all there');
          hasher.update(piece);
          await target?.writeFile(piece);
          left -= piece.length;
        }
      });
    }
    if ((await reader.next(1)) !== null) throw damaged('more than there should be');
  };
  try {
    await pipeline(parts, createZstdDecompress(), write);
  } catch (error) {
    throw isZstdError(error) ? damaged('no valid stream') : error;
  }
  if (hasher.digest() !== content.hash) throw damaged('not what its hash says');
}

async function* readParts(db: Queryable, uploadId: string): AsyncGenerator<Buffer> {
  const read = (number: number): Promise<Buffer | null> => {
    const part = readContentPart(db, { uploadId, number });
    part.catch(() => undefined); // it may be asked for and not waited for
    return part;
  };
  for (let number = 0, next = read(0); ;) {
    const part = await next;
    if (part === null) return;
    number += 1;
    next = read(number);
    yield part;
  }
}

interface Reader {
  /** At least one byte and at most so many; null at the end. */
  next(most: number): Promise<Buffer | null>;
}

function readerOf(chunks: AsyncIterable<Buffer>): Reader {
  const iterator: AsyncIterator<Buffer, unknown> = chunks[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  return {
    async next(most) {
      while (rest.length === 0) {
        const read = await iterator.next();
        if (read.done === true) return null;
        rest = read.value;
      }
      const piece = rest.subarray(0, most);
      rest = rest.subarray(piece.length);
      return piece;
    },
  };
}

/** Writes files one after another. */
function openWriting(to: string, wanted: ReadonlySet<string>) {
  const folders = new Set<string>();
  const begin = async ({ path, isExecutable }: KeptFile): Promise<FileHandle> => {
    const file = join(to, path);
    if (!folders.has(dirname(file))) await mkdir(dirname(file), { recursive: true });
    folders.add(dirname(file));
    return open(file, 'wx', isExecutable ? 0o755 : 0o644);
  };
  /** @param write is given null for a file that is not wanted */
  return async (file: KeptFile, write: (target: FileHandle | null) => Promise<void>): Promise<void> => {
    const target = wanted.has(file.path) ? await begin(file) : null;
    try {
      await write(target);
    } finally {
      await target?.close();
    }
  };
}

function isZstdError(error: unknown): boolean {
  return /^(ZSTD_|Z_)/.test(codeOf(error) ?? '');
}
