import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { packageRoot } from '../../package-root.ts';
import { workerFlags } from './worker-io.ts';

/** What a spawned worker's process begins with: src/engine/worker/start.ts. */
export const workerStartFile = join(packageRoot, 'dist/worker-start.cjs');

/** It takes a tenth of a second; on a machine that is that busy workers do without. */
const makeWithinMs = 20_000;
const unusedMs = 30 * 24 * 3_600_000;

/** What V8 has compiled of the worker's own code: a twelfth of a worker's CPU. docs/decisions/worker-start.md has the figures. */
export interface CompiledWorkers {
  /** The arguments of workers with this limit of the heap, which is one of V8's flags; none where the file is not made (yet). */
  argumentsFor(memoryMb: number): readonly string[];
  /** Makes that file, once: in a process of its own that is never sent a run, so that no task's code has any part in it. */
  make(memoryMb: number): void;
  close(): void;
}

/** @param folder of this machine. Each runner makes its files anew: none has to ask whether what it finds there is whole, and for what it was made. */
export function openCompiledWorkers(folder: string): CompiledWorkers {
  const made = new Map<number, readonly string[]>();
  const closing = new AbortController();
  const make = (memoryMb: number): void => {
    made.set(memoryMb, []);
    mkdirSync(folder, { recursive: true });
    removeOld(folder);
    const version = versionOfWorker();
    const file = join(folder, `${process.version}-${process.arch}-${memoryMb}-${version}.bin`);
    const child = spawn(process.execPath, [...workerFlags(memoryMb), workerStartFile, file, version, 'keep'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      env: {},
      cwd: '/',
      timeout: makeWithinMs,
      killSignal: 'SIGKILL',
      signal: closing.signal,
    });
    // It is sent nothing, and what it says is read by nobody.
    (child.stdio[3] as Socket)
      .on('error', () => undefined)
      .resume()
      .end();
    child.on('error', () => undefined); // workers compile their code themselves, as they do without the file
    child.once('exit', (status) => {
      if (status === 0) made.set(memoryMb, [file, version]);
    });
  };
  return {
    argumentsFor: (memoryMb) => made.get(memoryMb) ?? [],
    make(memoryMb) {
      if (made.has(memoryMb) || closing.signal.aborted) return;
      try {
        make(memoryMb);
      } catch {
        // The folder cannot be written to, or no process is to be had.
      }
    },
    close: () => closing.abort(),
  };
}

/** Those of versions that no runner was started with for long. A worker that finds its file gone compiles its code itself. */
function removeOld(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > unusedMs)
      rmSync(path, { force: true });
  }
}

/** Another is taken for the same by V8 where it has the same length. It may take the place of this one while the runner goes on, and runners of both may share the folder. */
function versionOfWorker(): string {
  const { ctimeMs, size } = statSync(join(packageRoot, 'dist/worker.cjs'));
  return `${size}-${ctimeMs}`;
}
