// Bundles src/ into dist/ with esbuild. The worker and the guard are single CommonJS files, because they start most often.
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist', { recursive: true, force: true });
const shared = { bundle: true, platform: 'node', target: 'node22.12', logLevel: 'warning', legalComments: 'none' };
await Promise.all([
  build({
    ...shared, format: 'esm', packages: 'external', splitting: true, outdir: 'dist', sourcemap: 'linked',
    entryPoints: { cli: 'src/cli/main.ts', sdk: 'src/sdk/index.ts' },
  }),
  build({ ...shared, format: 'cjs', minify: true, outfile: 'dist/worker.cjs', entryPoints: ['src/worker/main.ts'] }),
  build({ ...shared, format: 'cjs', outfile: 'dist/guard.cjs', entryPoints: ['src/guard/main.ts'] }),
]);
