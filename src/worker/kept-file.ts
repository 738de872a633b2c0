// Taken before the task runs, which may put its own in their place.
const { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writevSync } = process.getBuiltinModule('node:fs');

const checksumBytes = 4;
/** A file that is being written for longer was left behind by an attempt that was ended. */
const longestWriteMs = 60_000;

/** @returns what was kept there, after its checksum: it tells what a crash of the machine has left half written. Null when there is nothing, or when it was damaged and is now removed */
export function readKept(path: string): Buffer | null {
  try {
    const kept = readFileSync(path);
    const data = kept.subarray(checksumBytes);
    if (kept.readUInt32LE(0) === checksumOf([data])) return data;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
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
    const parts = make();
    const checksum = Buffer.alloc(checksumBytes);
    checksum.writeUInt32LE(checksumOf(parts), 0);
    writeAll(file, [checksum, ...parts]);
    renameSync(temporary, path);
  } catch {
    if (file !== null) removeKept(temporary);
  } finally {
    if (file !== null) closeSync(file);
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
  if (since !== undefined && Date.now() - since < longestWriteMs) return null;
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
