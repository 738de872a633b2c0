import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../../package-root.ts';
import { sha256 } from '../../../contents/sha256.ts';

const run = promisify(execFile);
const sources = ['fork.c', 'renew-state.c'].map((name) => join(packageRoot, 'src/engine/fork-server', name));
const compileWithinMs = 30_000;

/**
 * The native part of the fork server, compiled by the machine's C compiler when it is not there yet.
 * @param folder where it is kept, and found again by the hash of its sources
 */
export async function compileAddon(folder: string): Promise<string> {
  const hash = sha256(Buffer.concat(await Promise.all(sources.map((source) => readFile(source))))).slice(0, 32);
  const file = join(folder, `${hash}-${arch()}.node`);
  if (existsSync(file)) return file;
  await mkdir(folder, { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  await run('cc', ['-O2', '-shared', '-fPIC', '-o', temporary, ...sources], { timeout: compileWithinMs });
  await rename(temporary, file); // several runners may do this at once
  return file;
}
