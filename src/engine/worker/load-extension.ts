import { dirname, join } from 'node:path';
import type { WorkerExtension } from '../protocol/to-worker.ts';
import type { call } from './channel.ts';
import * as ownGlobals from './own-globals.ts';

const { readFileSync } = process.getBuiltinModule('node:fs');
/** This bundle, whose path a task can change in process.argv. */
const ownFile = process.argv[1] ?? '';

/** How an extension reaches its part in the runner. */
export interface ExtensionChannel {
  /** Asks the runner; rejects with `{ code, message }`. */
  readonly call: typeof call;
  /** Keeps the run from ending before the promise is settled. */
  readonly tracked: <Result>(promise: Promise<Result>) => Promise<Result>;
}

/** What the file of an extension exports. */
export interface ExtensionModule {
  /** The globals by their names. */
  extensionGlobals(state: unknown, channel: ExtensionChannel): Readonly<Record<string, unknown>>;
}

/** Loads an extension. As the task's code has run by then, neither its `require` nor its globals are used. */
export function loadExtension({ file }: WorkerExtension): ExtensionModule {
  const path = join(dirname(ownFile), file);
  const module = { exports: {} };
  const names = Object.keys(ownGlobals) as (keyof typeof ownGlobals)[];
  const define = process
    .getBuiltinModule('node:vm')
    .compileFunction(readFileSync(path, 'utf8'), ['module', ...names], { filename: path }) as (
    ...given: readonly unknown[]
  ) => void;
  define(module, ...names.map((name) => ownGlobals[name]));
  return module.exports as ExtensionModule;
}
