import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** What is being written for longer was left behind by a process that was ended. */
const maxWriteMs = 3_600_000;

/**
 * Puts a file in its place, whole or not at all: it is written beside it under a name of its own and then renamed, so that nobody reads half of it, and several processes may do so at once. Makes the
 * folders on the way.
 * @param isFlushed whether it is on the disk before it is in its place: else a crash of the machine may leave it empty or in part
 * @throws the error of the file system; nothing is left then
 */
export async function writeWhole(
  path: string,
  data: string | Uint8Array,
  { isFlushed = false, mode = 0o666 } = {},
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(data);
      if (isFlushed) await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Removes what writers of a file that were killed have left beside it. What cannot be removed stays. */
export async function removeLeftBeside(path: string): Promise<void> {
  const left = (await readdir(dirname(path)).catch(() => []))
    .filter((name) => name.startsWith(`${basename(path)}.`) && name.endsWith('.tmp'))
    .map((name) => join(dirname(path), name));
  for (const each of left) {
    const changedAt = await stat(each).then(
      ({ mtimeMs }) => mtimeMs,
      () => Infinity,
    );
    if (Date.now() - changedAt > maxWriteMs) await rm(each, { force: true }).catch(() => undefined);
  }
}
