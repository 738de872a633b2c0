import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { CloudCodeError } from '../engine/core/errors.ts';
import { packageRoot } from '../package-root.ts';
import { tell } from './build-steps.ts';
import type { Bundle } from './bundle.ts';
import { placeOfError } from './place-of-error.ts';

/** A module to be run only to see what it exports. */
export interface ModuleToEvaluate {
  /** The task's file, relative to the project's folder. */
  readonly file: string;
  readonly bundle: Bundle;
}

export interface Evaluated {
  readonly runType: string;
  readonly hasConfig: boolean;
  readonly config: unknown;
}

const timeoutMs = 10_000;
/** Has the globals that a module may use while it is loaded: `class Holiday extends Day`, `const begin = new Day(…)`. */
const sdkFile = join(packageRoot, 'dist/sdk.js');

// Runs in a process of its own: a task's code never runs in ours. What it exports comes back as text where it cannot be copied.
const childSource = `
const { Module } = require('node:module');
const { Worker } = require('node:worker_threads');
const load = async ({ file, bundle }) => {
  const code = bundle.code + '\\n//# sourceURL=' + file;
  if (bundle.format === 'esm') return import('data:text/javascript;base64,' + Buffer.from(code).toString('base64'));
  const module = new Module(process.cwd() + '/' + file);
  module.filename = module.id;
  module.paths = Module._nodeModulePaths(process.cwd());
  module._compile(code, module.id);
  return module.exports;
};
const canBeSent = (value) => {
  try { structuredClone(value); return true; } catch { return false; }
};
const toSend = (value) => {
  if (canBeSent(value)) return value;
  if (typeof value !== 'object') return String(value);
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, canBeSent(field) ? field : String(field)]));
};
// A busy loop would outlive a parent that was killed: a thread ends it.
const whileParentLives = 'setInterval(() => process.ppid === ${process.pid} || process.kill(process.pid, "SIGKILL"), 500);';
new Worker(whileParentLives, { eval: true }).unref();
process.once('message', async ({ folder, sdk, modules }) => {
  globalThis[Symbol.for('cloudcode.folder')] = folder;
  for (const name of ['Day', 'Attachment']) Object.defineProperty(globalThis, name, { get: () => require(sdk)[name], configurable: true });
  for (const module of modules) {
    process.send({ file: module.file, begun: true });
    try {
      const loaded = await load(module);
      process.send({ file: module.file, runType: typeof loaded.run, hasConfig: loaded.config !== undefined, config: toSend(loaded.config) });
    } catch (error) {
      const [threw, stack] = error instanceof Error ? [error.name + ': ' + error.message, error.stack] : [String(error), ''];
      process.send({ file: module.file, threw, stack: String(stack) });
    }
  }
  process.disconnect();
});
`;

type Message =
  | { readonly file: string; readonly begun: true }
  | ({ readonly file: string } & Evaluated)
  | { readonly file: string; readonly threw: string; readonly stack: string };

type Found = Map<string, Evaluated | CloudCodeError>;

/**
 * Runs modules, one after the other, in a short-lived process, and says what they export. A module that throws, ends the process or
 * is not done within 10 s is an error; the modules after one that took the process with it have another.
 */
export async function evaluateModules(
  folder: string,
  modules: readonly ModuleToEvaluate[],
): Promise<ReadonlyMap<string, Evaluated | CloudCodeError>> {
  const found: Found = new Map();
  for (let rest = modules; rest.length > 0; rest = modules.filter(({ file }) => !found.has(file)))
    await evaluateInProcess(folder, rest, found);
  return found;
}

/** Finds out about one at least. */
async function evaluateInProcess(folder: string, modules: readonly ModuleToEvaluate[], found: Found): Promise<void> {
  const child = spawn(process.execPath, ['--no-warnings', '-e', childSource], {
    cwd: folder,
    env: shortEnvironment(),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
  });
  const loading: { file: string | null } = { file: null };
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  child.on('message', (message: Message) => {
    timer.refresh();
    loading.file = 'begun' in message ? message.file : null;
    tell({ kind: 'begun' in message ? 'begun' : 'done', step: `loading the exports of ${message.file}` });
    if ('threw' in message)
      found.set(
        message.file,
        threwWhenLoaded(
          message,
          modules.find(({ file }) => file === message.file),
        ),
      );
    else if ('runType' in message) found.set(message.file, message);
  });
  const ending = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) =>
      resolve(signal === null ? `the process ended with exit code ${exitCode ?? 'unknown'}` : describeSignal(signal)),
    );
  });
  child.send({ folder, sdk: sdkFile, modules }, () => undefined);
  const ended = await ending.finally(() => clearTimeout(timer));
  const stopped = loading.file ?? modules.find(({ file }) => !found.has(file))?.file;
  if (stopped !== undefined) found.set(stopped, notEvaluated(stopped, ended));
}

function threwWhenLoaded(
  { file, threw, stack }: { readonly file: string; readonly threw: string; readonly stack: string },
  module: ModuleToEvaluate | undefined,
): CloudCodeError {
  const place = module === undefined ? null : placeOfError(stack, file, module.bundle.sourceMap);
  return notEvaluated(place ?? file, `it threw ${threw}`);
}

function describeSignal(signal: string): string {
  return signal === 'SIGKILL' ? `it was not done within ${timeoutMs / 1000} s` : `the process was ended by ${signal}`;
}

function notEvaluated(place: string, why: string): CloudCodeError {
  return new CloudCodeError('task_broken', `${place}: its exports could not be read: ${why}.`, {
    hint: 'Keep what is outside of `run` free of work: a task is also loaded when it is deployed, to read its `config`.',
  });
}

/** No credentials of the runner reach a task's code. */
function shortEnvironment(): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ'];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
