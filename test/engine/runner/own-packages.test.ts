import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isFinal } from '../../../src/engine/core/run.ts';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { getRun } from '../../../src/engine/operations/get-run.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { startRunner } from '../../../src/engine/runner/start-runner.ts';
import { keptFolder, packageTree, writeFiles } from '../../support/kept-folders.ts';
import { until } from '../../support/runtime.ts';
import { testStore } from '../../support/store.ts';

/** The names of packages that no text tells. */
const code = `
const { createRequire } = require('node:module');
const of = (load) => { try { return load(); } catch (error) { return [error.code, error.message.split('\\n')[0].replace(/ imported from .*/, '')]; } };
const asks = (name) => of(() => require(name));
exports.run = async ({ thrown }) => {
  if (thrown !== undefined) require(thrown);
  return {
    own: asks('own'), sub: asks('own/sub'), fs: asks('fs') === require('node:fs'), beside: asks('./beside.js'),
    inProject: asks('stray'), sub2: asks('stray/index.js'), above: asks('above'), resolved: of(() => require.resolve('stray')), created: of(() => createRequire(__filename)('stray')),
    byPackage: of(() => require('own').ask('stray')), byModule: of(() => require('modern').default),
  };
};`;

test(
  'a task has the same packages on each machine: none that happens to lie above the folder in which its own are',
  { timeout: 240_000 },
  async () => {
    await using t = await testStore();
    const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'cloudcode-test own-')));
    try {
      const project = join(scratch, 'home/project');
      writeFiles(scratch, {
        'home/node_modules/above/index.js': "module.exports = 'above';",
        'home/project/node_modules/stray/index.js': "module.exports = 'stray';",
        'home/project/node_modules/own/package.json': '{ "name": "own", "version": "1.0.0" }',
        'home/project/node_modules/own/index.js': `exports.own = 'own'; exports.ask = (name) => require(name); /* ${'x'.repeat(120_000)} */`,
        'home/project/node_modules/own/sub.js': "module.exports = 'sub';",
        'home/project/node_modules/modern/package.json': '{ "name": "modern", "version": "1.0.0", "type": "module" }',
        'home/project/node_modules/modern/index.js': "import stray from 'stray';\nexport default stray;",
        'home/project/cloudcode/asks/beside.js': "module.exports = 'beside';",
      });
      const folders = Object.fromEntries(
        ['own', 'modern'].map((name) => [
          `node_modules/${name}`,
          keptFolder(join(project, 'node_modules', name), `${name}@1.0.0`),
        ]),
      );
      const packages = { tree: packageTree(folders), folders: Object.values(folders), projectPath: '' };
      const task = {
        name: 'asks',
        config: { maxAttempts: 1 },
        code,
        sourceMap: '{}',
        format: 'cjs',
        file: 'cloudcode/asks/index.ts',
      } as const;
      await deployProject(t.store, 'testing', {
        folder: project,
        tasks: [task],
        config: {},
        packages,
        files: keptFolder(project, 'files', 'cloudcode'),
      });
      const run = async (parameters = {}) => {
        const { id } = await scheduleRun(t.store, 'testing', { task: 'asks', parameters });
        return until(60_000, 'the run is finished', async () => {
          const now = await getRun(t.store, 'testing', id);
          return isFinal(now.state) ? now : null;
        });
      };
      const results: unknown[] = [];
      for (const machineFolder of [join(project, '.cloudcode'), join(scratch, 'elsewhere')]) {
        mkdirSync(machineFolder);
        await using _runner = await startRunner({ store: t.store, folder: null, machineFolder, concurrency: 1 });
        // The second attempt has what the first one has kept.
        for (const _time of [1, 2]) {
          const { state, result, error } = await run();
          assert.equal(state, 'succeeded', JSON.stringify(error));
          results.push(result);
        }
        const { error } = await run({ thrown: 'stray/index.js' });
        assert.match(
          error?.message ?? '',
          /^Cannot find module 'stray\/index\.js'\n[^]*The package stray is not part of the deployment\. Have it in the dependencies .*deploy again\.$/,
        );
      }
      const missing = (name: string): readonly string[] => ['MODULE_NOT_FOUND', `Cannot find module '${name}'`];
      const expected = {
        own: { own: 'own' },
        sub: 'sub',
        fs: true,
        beside: 'beside',
        inProject: missing('stray'),
        sub2: missing('stray/index.js'),
        above: missing('above'),
        resolved: missing('stray'),
        created: missing('stray'),
        byPackage: missing('stray'),
        byModule: ['ERR_MODULE_NOT_FOUND', "Cannot find package 'stray'"],
      };
      assert.deepEqual(results, [expected, expected, expected, expected]);
    } finally {
      rmSync(scratch, { recursive: true });
    }
  },
);
