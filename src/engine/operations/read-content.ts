import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { folderHasher } from '../../contents/hash-folder.ts';
import type { KeptFile, KeptFolder } from '../core/kept-folder.ts';
import { codeOf } from '../core/thrown.ts';
import { readContentPart } from '../store/contents.ts';
import type { Queryable } from '../store/open-store.ts';

/** What is stored is not what its hash says. */
export class ContentDamaged extends Error {
  override readonly name = 'ContentDamaged';
}

/** Is given each file of a content with a function that reads its bytes, in pieces; all of them have to be read before it returns. */
export type OnFile = (file: KeptFile, pieces: () => AsyncIterable<Buffer>) => Promise<void>;

/**
 * Reads the files of a content from the database; of the whole no more than a few MB is in memory.
 * @throws ContentDamaged when what is stored is not what the hash says; its message ends a sentence: `not all there`
 */
export async function readContent(
  db: Queryable,
  content: KeptFolder & { readonly uploadId: string },
  onFile: OnFile,
): Promise<void> {
  const hasher = folderHasher();
  const read = async (bytes: AsyncIterable<Buffer>): Promise<void> => {
    const reader = readerOf(bytes);
    for (const file of content.files) {
      hasher.beginFile(file);
      await onFile(file, async function* () {
        for (let left = file.bytes; left > 0;) {
          const piece = await reader.next(left);
          if (piece === null) throw new ContentDamaged('not all there');
          hasher.update(piece);
          yield piece;
          left -= piece.length;
        }
      });
    }
    if ((await reader.next(1)) !== null) throw new ContentDamaged('more than there should be');
  };
  try {
    await pipeline(readParts(db, content.uploadId), createZstdDecompress(), read);
  } catch (error) {
    throw isZstdError(error) ? new ContentDamaged('no valid stream') : error;
  }
  if (hasher.digest() !== content.hash) throw new ContentDamaged('not what its hash says');
}

/** The pieces of an upload, one after the other. */
export async function* readParts(db: Queryable, uploadId: string): AsyncGenerator<Buffer> {
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
  next(max: number): Promise<Buffer | null>;
}

function readerOf(chunks: AsyncIterable<Buffer>): Reader {
  const iterator: AsyncIterator<Buffer, unknown> = chunks[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  return {
    async next(max) {
      while (rest.length === 0) {
        const read = await iterator.next();
        if (read.done === true) return null;
        rest = read.value;
      }
      const piece = rest.subarray(0, max);
      rest = rest.subarray(piece.length);
      return piece;
    },
  };
}

export function isZstdError(error: unknown): boolean {
  return /^(ZSTD_|Z_|ERR_BUFFER_TOO_LARGE)/.test(codeOf(error) ?? '');
}
