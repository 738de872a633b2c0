import type { Metafile } from 'esbuild';
import { nativeNamespace } from './native-plugin.ts';

/** Modules of Node that do not do all of their work in a process that was forked: docs/decisions/fork-server.md says what was seen. */
const modules = ['inspector', 'inspector/promises', 'trace_events', 'worker_threads'];

/**
 * What a bundle needs that only a spawned worker has: a module of Node, or an npm package or file with a native add-on; null when nothing is seen.
 * What the bundle asks for by a computed name is not seen.
 */
export function spawnNeedOf({ outputs }: Metafile): string | null {
  for (const { imports, inputs } of Object.values(outputs)) {
    const needed = imports.find(({ path, external }) => external === true && modules.includes(path.replace(/^node:/, '')));
    if (needed !== undefined) return `node:${needed.path.replace(/^node:/, '')}`;
    const native = Object.keys(inputs).find((input) => input.startsWith(`${nativeNamespace}:`));
    if (native !== undefined) return native.slice(native.lastIndexOf(' -> ') + ' -> '.length);
  }
  return null;
}
