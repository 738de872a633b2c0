import { codeOf } from '../core/thrown.ts';

// Taken before the task runs, which may put its own in their place.
const { closeSync, fstatSync, mkdirSync, openSync, readFileSync, readSync, renameSync, rmSync, statSync, writevSync } =
  process.getBuiltinModule('node:fs');

const checksumBytes = 4;
/** A file that is being written for longer was left behind by an attempt that was ended. */
const maxWriteMs = 60_000;

/** @returns what was kept there, after its checksum: it tells what a crash of the machine has left half written. Null when there is nothing, or when it was damaged and is now removed */
export function readKept(path: string): Buffer | null {
  try {
    const kept = readFileSync(path);
    const data = kept.subarray(checksumBytes);
    if (kept.readUInt32LE(0) === checksumOf([data])) return data;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
  }
  removeKept(path);
  return null;
}

/** The next bytes of what was kept, in a buffer of their own or in the beginning of the given one. */
export type Take = (length: number, into?: Buffer) => Buffer;

/** As `readKept` does, piece by piece. @param make is given what nobody has checked yet: what it makes counts when all of the file is what was kept. Null is its word that it wants none of it */
export function readKeptPieces<Made>(path: string, make: (take: Take) => Made | null): Made | null {
  let file: number | null = null;
  try {
    file = openSync(path, 'r');
    const { crc32 } = process.getBuiltinModule('node:zlib');
    let left = fstatSync(file).size;
    let checksum = 0;
    const take: Take = (length, into) => {
      const piece = (into ?? Buffer.allocUnsafeSlow(Math.min(length, left))).subarray(0, length);
      for (let at = 0; at < length;) {
        const count = readSync(file ?? -1, piece, at, length - at, null);
        if (count === 0) throw new Error('it was cut');
        at += count;
      }
      left -= length;
      checksum = crc32(piece, checksum);
      return piece;
    };
    const expected = take(checksumBytes).readUInt32LE(0);
    checksum = 0;
    const made = make(take);
    if (made === null || (left === 0 && checksum === expected)) return made;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
  } finally {
    if (file !== null) closeSync(file);
  }
  removeKept(path);
  return null;
}

/**
 * Keeps data for the processes to come, whole or not at all. One process writes at a time; the others go without. Where nothing can be written, nothing is.
 * @param make is called when nobody else is writing
 */
export function keep(path: string, make: () => readonly Uint8Array[]): void {
  const temporary = `${path}.tmp`;
  let file: number | null = null;
  try {
    mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
    file = openNew(temporary);
    if (file === null) return;
    try {
      const parts = make();
      const checksum = Buffer.alloc(checksumBytes);
      checksum.writeUInt32LE(checksumOf(parts), 0);
      writeAll(file, [checksum, ...parts]);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch {
    if (file !== null) removeKept(temporary);
  }
}

export function removeKept(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The folder cannot be written to: what is there stays, unused.
  }
}

function openNew(path: string): number | null {
  const since = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  if (since !== undefined && Date.now() - since < maxWriteMs) return null;
  if (since !== undefined) removeKept(path);
  return openSync(path, 'wx');
}

// As many parts at a time as one call takes.
function writeAll(file: number, parts: readonly Uint8Array[]): void {
  for (let at = 0; at < parts.length; at += 500) {
    const some = parts.slice(at, at + 500);
    const length = some.reduce((sum, part) => sum + part.length, 0);
    if (writevSync(file, some) < length) throw new Error('the disk is full');
  }
}

function checksumOf(parts: readonly Uint8Array[]): number {
  const { crc32 } = process.getBuiltinModule('node:zlib');
  return parts.reduce((sum, part) => crc32(part, sum), 0);
}
