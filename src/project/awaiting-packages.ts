import { join } from 'node:path';
import type { Message, Plugin } from 'esbuild';
import { sharedOptions, tryBuild } from './bundle.ts';

/** Whether esbuild says of a file that it awaits at top level. */
export function isTopLevelAwait({ text }: Message): boolean {
  return text.startsWith('Top-level await');
}

/** Which ES modules of packages cannot be loaded by `require`, because they or what they import await at top level. @param paths absolute */
export async function findAwaiting(folder: string, paths: readonly string[]): Promise<ReadonlySet<string>> {
  if (paths.length === 0 || !(await awaits(folder, paths))) return new Set();
  const found = await Promise.all(paths.map(async (path) => ((await awaits(folder, [path])) ? [path] : [])));
  return new Set(found.flat());
}

async function awaits(folder: string, paths: readonly string[]): Promise<boolean> {
  const { define: _define, ...shared } = sharedOptions(folder);
  const entryPoints = [...paths, 'stop'].map((path, position) => ({ in: path, out: String(position) }));
  const problems = await tryBuild({
    ...shared,
    format: 'cjs',
    outdir: join(folder, 'awaiting'),
    entryPoints,
    plugins: [importsAlone],
  });
  return Array.isArray(problems) && problems.some(isTopLevelAwait);
}

/** Follows what ES modules import of each other, and stops before anything is written. */
const importsAlone: Plugin = {
  name: 'cloudcode-imports-alone',
  setup(build) {
    build.onResolve({ filter: /^/ }, ({ kind, path }) => {
      if (kind === 'entry-point') return path === 'stop' ? { path, namespace: 'stop' } : undefined;
      return kind === 'import-statement' ? undefined : { path, external: true };
    });
    build.onLoad({ filter: /^/, namespace: 'stop' }, () => ({ errors: [{ text: 'stop' }] }));
  },
};
