import { existsSync, statSync } from 'node:fs';
import type { BundleMessage, StartMessage } from '../protocol/worker-messages.ts';
import { compileBundle, leastKeptBytes } from './compiled-code.ts';

export type TaskFunction = (parameters: unknown) => unknown;

/** The bundle's own file is not there: a trouble of this machine, and no answer of the task. */
export class BundleGone extends Error {
  override readonly name = 'BundleGone';
}

/** Evaluates a task's bundle. What its top level throws is thrown on: it is the task's answer. */
export async function loadTask(start: StartMessage): Promise<TaskFunction> {
  const { path } = start.bundle;
  if (!existsSync(path)) throw new BundleGone(`The file of the task's bundle is gone: ${path}`);
  const exports = start.bundle.format === 'cjs' ? loadCommonJs(start) : await loadModule(start.bundle);
  const run = exports['run'];
  if (typeof run !== 'function') throw new TypeError(`The task \`${start.run.task}\` does not export a function \`run\`.`);
  return run as TaskFunction;
}

/** Evaluates a bundle in CommonJS. @returns its exports */
export function loadCommonJs({ bundle, folder }: StartMessage): Record<string, unknown> {
  const { createRequire } = process.getBuiltinModule('node:module');
  const evaluate = compileBundle(bundle);
  const module = { exports: {} as Record<string, unknown> };
  evaluate(module.exports, createRequire(`${folder}/package.json`), module);
  return module.exports;
}

async function loadModule({ path, compiledFolder }: BundleMessage): Promise<Record<string, unknown>> {
  // Node itself keeps what it compiled of modules, when the process exits; it checks version, flags and content.
  if (statSync(path).size >= leastKeptBytes) process.getBuiltinModule('node:module').enableCompileCache(compiledFolder);
  const { pathToFileURL } = process.getBuiltinModule('node:url');
  return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
}
