import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sha256 } from '../../contents/sha256.ts';

const run = promisify(execFile);
const compileWithinMs = 30_000;

/** Where a native part is kept: by the hash of its sources. */
export function nativeFile(folder: string, sources: readonly string[]): string {
  const hash = sha256(Buffer.concat(sources.map((source) => readFileSync(source)))).slice(0, 32);
  return join(folder, `${hash}-${arch()}.node`);
}

/** A native part, compiled by the machine's C compiler when it is not there yet. */
export async function compileNative(
  folder: string,
  sources: readonly string[],
  stopping?: AbortSignal,
): Promise<string> {
  const file = nativeFile(folder, sources);
  if (existsSync(file)) return file;
  await mkdir(folder, { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await run('cc', ['-O2', '-shared', '-fPIC', '-o', temporary, ...sources], {
      timeout: compileWithinMs,
      ...(stopping === undefined ? {} : { signal: stopping }),
    });
    await flush(temporary);
    await rename(temporary, file); // several runners may do this at once
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  return file;
}

/** What a crash of the machine has left half of would be loaded into a process. */
async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
