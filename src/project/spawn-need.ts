import type { Metafile } from 'esbuild';

/** Modules of Node that do not do all of their work in a process that was forked: docs/decisions/fork-server.md says what was seen. */
const modules = ['inspector', 'inspector/promises', 'trace_events', 'worker_threads'];

/** `node:worker_threads` of `worker_threads`; null for a module that a forked worker has too. */
export function spawnModuleOf(specifier: string): string | null {
  const name = specifier.replace(/^node:/, '');
  return modules.includes(name) ? `node:${name}` : null;
}

/** What a bundle needs of Node that only a spawned worker has; null when nothing is seen. What it asks for by a computed name is not seen. */
export function nodeModuleOf({ imports }: Metafile['outputs'][string]): string | null {
  return (
    imports
      .map(({ path, external }) => (external === true ? spawnModuleOf(path) : null))
      .find((name) => name !== null) ?? null
  );
}
