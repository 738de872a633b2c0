import { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { closeOf, readToEnd } from '../worker-exit.ts';
import type { WorkerIo } from '../worker-io.ts';
import { awaitEnd, type Collect } from './await-end.ts';

/** What is started: as with node:child_process, `detached`, and with descriptors 1 to 3 connected. */
export interface Program {
  readonly file: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
}

/** Starts processes by the native part. */
export interface NativeSpawner {
  /** @throws what the operating system says, with its `code`: EAGAIN, EMFILE, ENOENT … */
  spawn(program: Program): WorkerIo;
}

/** spawn.c. Each text in a list ends with U+0000. */
interface Addon {
  spawn(programAndArguments: string, variables: string, folder: string): readonly number[] | number;
  collect: Collect;
}

/** @throws when the file is no such thing */
export function loadNativeSpawner(file: string): NativeSpawner {
  const module = { exports: {} as Addon };
  process.dlopen(module, file);
  const { spawn, collect } = module.exports;
  return {
    spawn({ file: program, arguments: given, environment, folder }) {
      const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
      const end = awaitEnd(collect);
      const started = spawn(listOf([program, ...given]), listOf(variables), listOf([folder]));
      if (typeof started === 'number') throw spawnError(program, started);
      const [pid = 0, ...files] = started;
      const [stdout, stderr, channel] = files.map((fd) => new Socket({ fd, readable: true, writable: true }));
      if (stdout === undefined || stderr === undefined || channel === undefined) throw spawnError(program, 22);
      const streams = [stdout, stderr, channel];
      const { exited, look } = end.of(pid);
      void exited.then(() => readToEnd(streams));
      return { pid, channel, stdout, stderr, exited, closed: closeOf(exited, streams), findEnd: look };
    },
  };
}

const listOf = (texts: readonly string[]): string => texts.map((text) => `${text}\0`).join('');

/** As Node says it. */
function spawnError(program: string, errno: number): Error {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`spawn ${program} ${code}`), { code, errno: -errno, syscall: `spawn ${program}` });
}
