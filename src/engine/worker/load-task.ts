import { statSync } from 'node:fs';
import type { BundleMessage, StartMessage } from '../protocol/to-worker.ts';
import { compileBundle, minKeptBytes } from './compiled-code.ts';
import { beginPackageModules } from './packages/load-packages.ts';
import { usePackOf } from './packages/package-place.ts';
import { messageOf } from '../core/thrown.ts';

export type TaskFunction = (parameters: unknown) => unknown;

/** The bundle's own file is not there, or cannot be read: a trouble of this machine, and no answer of the task. */
export class BundleGone extends Error {
  override readonly name = 'BundleGone';
}

/** Evaluates a task's bundle. What its top level throws is thrown on: it is the task's answer. @throws BundleGone before any of its code has run */
export async function loadTask(start: StartMessage): Promise<TaskFunction> {
  usePackOf(start);
  const exports = start.bundle.format === 'cjs' ? loadCommonJs(start) : await loadModule(start.bundle);
  const run = exports['run'];
  if (typeof run !== 'function')
    throw new TypeError(`The task \`${start.run.task}\` does not export a function \`run\`.`);
  return run as TaskFunction;
}

/** Evaluates a bundle in CommonJS. @returns its exports */
export function loadCommonJs({ bundle }: Pick<StartMessage, 'bundle'>): Record<string, unknown> {
  const { createRequire } = process.getBuiltinModule('node:module');
  const evaluate = readingOf(bundle.path, () => compileBundle(bundle));
  const module = { exports: {} as Record<string, unknown> };
  evaluate(
    module.exports,
    createRequire(bundle.base),
    module,
    bundle.path,
    bundle.path.slice(0, bundle.path.lastIndexOf('/')),
  );
  return module.exports;
}

async function loadModule({ path, compiledFolder, packagesFolder }: BundleMessage): Promise<Record<string, unknown>> {
  // Node itself keeps what it compiled of modules, when the process exits; it checks version, flags and content.
  if (readingOf(path, () => statSync(path)).size >= minKeptBytes)
    process.getBuiltinModule('node:module').enableCompileCache(compiledFolder);
  const { pathToFileURL } = process.getBuiltinModule('node:url');
  const { href } = pathToFileURL(path);
  const end = packagesFolder === null ? undefined : beginPackageModules();
  try {
    return (await import(href)) as Record<string, unknown>;
  } catch (error) {
    const { code, url } = error as { readonly code?: unknown; readonly url?: unknown };
    throw code === 'ERR_MODULE_NOT_FOUND' && url === href ? goneBundle(path, error) : error;
  } finally {
    end?.();
  }
}

/** @param read reads the bundle, and runs none of its code */
function readingOf<Result>(path: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw error instanceof Error && 'syscall' in error ? goneBundle(path, error) : error;
  }
}

function goneBundle(path: string, cause: unknown): BundleGone {
  return new BundleGone(`The task's bundle ${path} cannot be read: ${messageOf(cause)}`, { cause });
}
