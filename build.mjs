// Bundles src/ into dist/ with esbuild. The worker and the guard are CommonJS, each in one file, because they start most often; what only some tasks need is worker-data.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const shared = {
  bundle: true,
  platform: 'node',
  target: 'node22.15',
  logLevel: 'warning',
  legalComments: 'none',
  metafile: true,
};
// Node shows the line of an exception that ends the process: it is to be no longer than people read.
const small = {
  ...shared,
  format: 'cjs',
  minify: true,
  lineLimit: 160,
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
};
const results = await Promise.all([
  build({
    ...shared,
    format: 'esm',
    packages: 'external',
    splitting: true,
    outdir: 'dist',
    sourcemap: 'linked',
    entryPoints: {
      cli: 'src/cli/main.ts',
      sdk: 'src/sdk/index.ts',
      build: 'src/main/build.ts',
      'large-bodies': 'src/service/http/large-bodies/main.ts',
    },
  }),
  build({
    ...small,
    entryPoints: { worker: 'src/engine/worker/spawned.ts', 'fork-server': 'src/engine/fork-server/main.ts' },
    inject: ['src/engine/worker/own-globals.ts'],
  }),
  // Messages and consoles show the names of its classes.
  build({ ...small, keepNames: true, entryPoints: { 'worker-data': 'src/data/worker/data-globals.ts' } }),
  build({
    ...small,
    entryPoints: {
      'worker-start': 'src/engine/worker/start.ts',
      'fork-check': 'src/engine/fork-server/check-task.ts',
      'chaos-in-runner': 'src/chaos/in-runner.ts',
    },
  }),
  build({ ...shared, format: 'cjs', outfile: 'dist/guard.cjs', entryPoints: ['src/engine/guard/main.ts'] }),
]);

// What an earlier build left goes afterwards: building the same again never takes a file away from a server that is running.
const built = new Set(results.flatMap((result) => Object.keys(result.metafile.outputs)));
for (const name of readdirSync('dist')) {
  const path = join('dist', name);
  if (!built.has(path)) rmSync(path, { recursive: true, force: true });
}
