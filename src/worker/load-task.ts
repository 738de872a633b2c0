import { readFileSync } from 'node:fs';
import type { StartMessage } from '../protocol/worker-messages.ts';

export type TaskFunction = (parameters: unknown) => unknown;

/** Evaluates a task's bundle. What its top level throws is thrown on: it is the task's answer. */
export async function loadTask(start: StartMessage): Promise<TaskFunction> {
  const exports = start.bundle.format === 'cjs' ? loadCommonJs(start) : await loadModule(start.bundle.path);
  const run = exports['run'];
  if (typeof run !== 'function') throw new TypeError(`The task \`${start.run.task}\` does not export a function \`run\`.`);
  return run as TaskFunction;
}

function loadCommonJs({ bundle, folder }: StartMessage): Record<string, unknown> {
  const vm = process.getBuiltinModule('node:vm');
  const { createRequire } = process.getBuiltinModule('node:module');
  const evaluate = vm.compileFunction(readFileSync(bundle.path, 'utf8'), ['exports', 'require', 'module'], {
    filename: bundle.path,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const module = { exports: {} as Record<string, unknown> };
  // eslint-disable-next-line @typescript-eslint/no-unsafe-call -- compileFunction types what it makes as Function
  evaluate(module.exports, createRequire(`${folder}/package.json`), module);
  return module.exports;
}

async function loadModule(path: string): Promise<Record<string, unknown>> {
  const { pathToFileURL } = process.getBuiltinModule('node:url');
  return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
}
