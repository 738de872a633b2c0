// Bundles src/ into dist/ with esbuild. The worker and the guard are CommonJS, each in one file, because they start most often; what only some tasks need is worker-data.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import process from 'node:process';
import { build } from 'esbuild';

const shared = {
  bundle: true,
  platform: 'node',
  target: 'node22.15',
  logLevel: 'warning',
  legalComments: 'none',
  write: false,
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
  // For browsers and other runtimes as well: it is all in one file.
  build({
    ...shared,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['import'],
    target: 'es2022',
    outfile: 'dist/client.js',
    entryPoints: ['src/client/cloudcode-client.ts'],
  }),
  build({ ...shared, format: 'cjs', outfile: 'dist/guard.cjs', entryPoints: ['src/engine/guard/main.ts'] }),
]);

mkdirSync('dist', { recursive: true });
const built = new Map(
  results.flatMap(({ outputFiles }) => outputFiles).map(({ path, contents }) => [relative('dist', path), contents]),
);
// A server or a test that runs meanwhile finds each file whole, and what is the same untouched: what an earlier build left goes at the end.
for (const [name, contents] of built) {
  if (!isThere(name, contents)) replace(name, contents);
}
for (const name of readdirSync('dist')) {
  // A hidden one is of a build that runs beside this one.
  if (!built.has(name) && !name.startsWith('.')) rmSync(join('dist', name), { recursive: true, force: true });
}

function isThere(name, contents) {
  try {
    return readFileSync(join('dist', name)).equals(contents);
  } catch {
    return false;
  }
}

function replace(name, contents) {
  const unfinished = join('dist', `.${name}.${process.pid}`);
  writeFileSync(unfinished, contents);
  renameSync(unfinished, join('dist', name));
}
