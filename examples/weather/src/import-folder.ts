import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** What a piece leaves behind when it has handed on all its work: the months it has sent off, and how many rows they hold. */
export interface PieceRecord {
  readonly rows: number;
  readonly partials: readonly string[];
}

/** The folder of one import. Everything in it is written whole or not at all, under a name that a second try would use again. */
export function importFolder(importId: string): string {
  // The id becomes part of a path, and parameters come from outside.
  if (!/^[A-Za-z0-9][\w-]{0,80}$/.test(importId))
    throw new Error(`importId must be letters, digits, _ and -: ${JSON.stringify(importId)}`);
  return path.join('output', 'imports', importId);
}

/** Writes beside the file and renames: a reader, or a kill -9 at any point, sees the old file or the whole new one. */
export async function writeWhole(file: string, content: string | Buffer): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}.unfinished`;
  await writeFile(unfinished, content, { flush: true });
  await rename(unfinished, file);
}

export async function writeJson(file: string, value: unknown): Promise<void> {
  await writeWhole(file, `${JSON.stringify(value)}\n`);
}

/** The value that writeJson has left there, or undefined when it has not yet. */
export async function readJson<Value>(file: string): Promise<Value | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Value;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
