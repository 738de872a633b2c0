import assert from 'node:assert/strict';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { buildProject } from '../../src/project/build-project.ts';
import { endBundler } from '../../src/project/bundle.ts';
import * as sdk from '../../src/sdk/index.ts';
import { makeFolder, writeFiles } from './make-folder.ts';
import { runBundle, sourcePosition, textOf } from './run-bundle.ts';

describe('buildProject', () => {
  after(endBundler);

  it('finds the tasks by their index files, and leaves shared code, hidden folders and node_modules alone', async (t) => {
    const good = 'export async function run() {}';
    const folder = await makeFolder(t, {
      'package.json': '{ "name": "orders" }',
      'cloudcode/zeta/index.mts': good,
      'cloudcode/import_orders/index.ts': good,
      'cloudcode/with.dots-and_more/index.js': good,
      'cloudcode/shared/mail.ts': 'export {}',
      'cloudcode/_draft/index.ts': 'broken(',
      'cloudcode/.cache/index.ts': 'broken(',
      'cloudcode/node_modules/index.js': 'broken(',
    });
    const project = await buildProject(folder);
    assert.equal(project.name, 'orders');
    assert.equal(project.folder, folder);
    assert.deepEqual(
      project.tasks.map(({ name, file }) => [name, file]),
      [
        ['import_orders', 'cloudcode/import_orders/index.ts'],
        ['with.dots-and_more', 'cloudcode/with.dots-and_more/index.js'],
        ['zeta', 'cloudcode/zeta/index.mts'],
      ],
    );
    assert.deepEqual(project.config, {});
  });

  it('finds a task and its siblings through a symbolic link', async (t) => {
    const folder = await makeFolder(t, {
      'elsewhere/a/index.ts': 'export const run = () => 7;',
      'project/cloudcode/b/index.ts': 'export const run = () => 8;',
    });
    await symlink(join(folder, 'elsewhere/a'), join(folder, 'project/cloudcode/a'));
    const project = await buildProject(join(folder, 'project'));
    assert.deepEqual((await runBundle(project, 'a')).result, 7);
  });

  it('bundles siblings, npm packages, JSON, text, tsconfig paths and the cloudcode module', async (t) => {
    const folder = await makeFolder(t, {
      'tsconfig.json': '{ "compilerOptions": { "paths": { "#shared/*": ["./cloudcode/shared/*"] } } }',
      'node_modules/esm-package/package.json': '{ "name": "esm-package", "type": "module", "exports": "./main.js" }',
      'node_modules/esm-package/main.js': 'export const fromEsm = () => import.meta.filename;',
      'node_modules/old-package/index.js':
        "'use strict';\nmodule.exports = { os: require('os').EOL, strict: (function () { return this === undefined; })(), dir: __dirname };",
      'cloudcode/shared/sum.ts': 'export const sum = (left: number, right: number): number => left + right;',
      'cloudcode/a/data.json': '{ "value": 3 }',
      'cloudcode/a/note.txt': 'a note',
      'cloudcode/a/index.ts': `
        import { CloudCode, defineConfig } from 'cloudcode';
        import { fromEsm } from 'esm-package';
        import old from 'old-package';
        import { sum } from '#shared/sum.ts';
        import data from './data.json' with { type: 'json' };
        import note from './note.txt';
        export async function run(parameters: { n: number }) {
          await CloudCode.scheduleTask({ task: 'b', parameters });
          await globalThis.CloudCode.scheduleTask({ task: 'c' });
          return { n: sum(parameters.n, data.value), note, esm: fromEsm(), old, same: defineConfig({ concurrency: 1 }) };
        }`,
    });
    const ran = await runBundle(await buildProject(folder), 'a', { n: 4 });
    assert.deepEqual(ran, {
      result: {
        n: 7,
        note: 'a note',
        esm: join(folder, 'node_modules/esm-package/main.js'),
        old: { os: '\n', strict: true, dir: join(folder, 'node_modules/old-package') },
        same: { concurrency: 1 },
      },
      scheduled: [{ task: 'b', parameters: { n: 4 } }, { task: 'c' }],
    });
  });

  for (const [what, awaiting] of [
    ['CommonJS', ''],
    ['an ES module, for top-level await', 'await 1;'],
  ] as const) {
    it(`tells a task where its source lies, bundled as ${what}`, async (t) => {
      const folder = await makeFolder(t, {
        'cloudcode/shared/where.ts':
          'export const { url } = import.meta;\nexport const named = (() => { const __dirname = 1; return { __dirname }; })();\n',
        'cloudcode/a/index.ts': `#!/usr/bin/env node
          import { named, url } from '../shared/where.ts';
          import { createRequire } from 'node:module';
          ${awaiting}
          export const run = () => ({
            url: import.meta.url, dirname: import.meta.dirname, filename: __filename, __dirname, shared: url, named, required: typeof createRequire(import.meta.url)('node:fs').readFile,
            resolved: import.meta.resolve('../shared/where.ts'),
          });`,
      });
      const project = await buildProject(folder);
      assert.equal(project.tasks[0]?.format, awaiting === '' ? 'cjs' : 'esm');
      const filename = join(folder, 'cloudcode/a/index.ts');
      const shared = pathToFileURL(join(folder, 'cloudcode/shared/where.ts')).href;
      assert.deepEqual((await runBundle(project, 'a')).result, {
        url: pathToFileURL(filename).href,
        dirname: join(folder, 'cloudcode/a'),
        filename,
        __dirname: join(folder, 'cloudcode/a'),
        shared,
        named: { __dirname: 1 },
        required: 'function',
        resolved: shared,
      });
    });

    it(`maps a stack to the user's own lines, bundled as ${what}`, async (t) => {
      const folder = await makeFolder(t, {
        'cloudcode/shared/fail.ts':
          '// one\nexport const here = import.meta.url;\nexport function fail(): never {\n  throw new Error("no");\n}\n',
        'cloudcode/a/index.ts': `import { fail } from '../shared/fail.ts';\n${awaiting}\nexport const run = async () => fail();\n`,
      });
      const project = await buildProject(folder);
      const { stack = '' } = await runBundle(project, 'a');
      assert.equal(sourcePosition(stack, (await textOf(project.tasks[0])).sourceMap), 'cloudcode/shared/fail.ts:4:9');
      assert.match(stack, /at fail /);
    });
  }

  it('leaves native add-ons outside and finds them in the project when the task runs', async (t) => {
    const native = 'module.exports = { place: __filename, keys: Object.keys(require.cache).length > 0 };';
    const folder = await makeFolder(t, {
      'node_modules/with-gyp/package.json': '{ "name": "with-gyp" }',
      'node_modules/with-gyp/binding.gyp': '{}',
      'node_modules/with-gyp/index.js': native,
      'node_modules/with-file/package.json': '{ "name": "with-file", "main": "lib/main.js" }',
      'node_modules/with-file/build/Release/x.node': '',
      'node_modules/with-file/lib/main.js': native,
      'node_modules/with-loader/package.json': '{ "name": "with-loader", "dependencies": { "node-gyp-build": "*" } }',
      'node_modules/with-loader/index.js': native,
      'node_modules/@s/platforms/package.json':
        '{ "name": "@s/platforms", "optionalDependencies": { "@s/platforms-linux": "*" } }',
      'node_modules/@s/platforms/index.js': native,
      'node_modules/@s/platforms-linux/package.json': '{ "name": "@s/platforms-linux", "cpu": ["x64"] }',
      'node_modules/user/package.json': '{ "name": "user" }',
      'node_modules/user/index.js': 'exports.nested = require("nested").place; exports.bundled = __filename;',
      'node_modules/user/node_modules/nested/package.json': '{ "name": "nested", "gypfile": true }',
      'node_modules/user/node_modules/nested/index.js': native,
      'cloudcode/a/index.ts': `
        import gyp, { place } from 'with-gyp';
        import file from 'with-file';
        import loader from 'with-loader';
        import platforms from '@s/platforms';
        import user from 'user';
        export const run = async () => [gyp.place === place, place, file.place, loader.place, platforms.place, user.nested, user.bundled, (await import('with-gyp')).place];`,
    });
    const inModules = (path: string): string => join(folder, 'node_modules', path);
    const project = await buildProject(folder);
    assert.ok(!(await textOf(project.tasks[0])).code.includes('require.cache'));
    assert.deepEqual((await runBundle(project, 'a')).result, [
      true,
      inModules('with-gyp/index.js'),
      inModules('with-file/lib/main.js'),
      inModules('with-loader/index.js'),
      inModules('@s/platforms/index.js'),
      inModules('user/node_modules/nested/index.js'),
      inModules('user/index.js'),
      inModules('with-gyp/index.js'),
    ]);
  });

  it('builds the same bytes from the same sources, also in another folder', async (t) => {
    const files = {
      'package.json': '{ "name": "same" }',
      'node_modules/p/index.js': 'module.exports = __dirname;',
      'cloudcode/a/index.ts': "import p from 'p';\nexport const run = () => [p, import.meta.url];",
      'cloudcode/b/index.ts': 'await 1;\nexport const run = () => import.meta.url;',
    };
    const [one, other] = [await makeFolder(t, files), await makeFolder(t, files)];
    await mkdir(join(other, 'deeper'));
    await cp(one, join(other, 'deeper/copy'), { recursive: true });
    const built = [
      await buildProject(one),
      await buildProject(one),
      await buildProject(other),
      await buildProject(join(other, 'deeper/copy')),
    ];
    for (const project of built) assert.deepEqual(project.tasks, built[0]?.tasks);
    for (const task of built[0]?.tasks ?? []) assert.ok(!JSON.stringify(await textOf(task)).includes(one));
  });

  it('sees a change of a task, of shared code and of an npm package', async (t) => {
    const folder = await makeFolder(t, {
      'cloudcode/a/index.ts': "import { b } from '../b.ts';\nimport c from 'c';\nexport const run = () => [1, b, c];",
      'cloudcode/b.ts': 'export const b = 2;',
      'node_modules/c/index.js': 'module.exports = 3;',
    });
    assert.deepEqual((await runBundle(await buildProject(folder), 'a')).result, [1, 2, 3]);
    await writeFiles(folder, {
      'cloudcode/b.ts': 'export const b = 20;',
      'node_modules/c/index.js': 'module.exports = 30;',
    });
    assert.deepEqual((await runBundle(await buildProject(folder), 'a')).result, [1, 20, 30]);
  });

  it('reads the configuration again when it or what it imports has changed', async (t) => {
    const folder = await makeFolder(t, {
      'cloudcode/a/index.ts': 'export const run = () => 1;',
      'limits.ts': 'export const memoryMb = 100;',
      'cloudcode.config.ts': `
        import { defineConfig } from 'cloudcode';
        import { memoryMb } from './limits.ts';
        export default defineConfig({
          defaults: { memoryMb }, concurrency: 3, queues: { 'my mail': { onRetry: 'skip' } }, environments: { testing: { variables: { HERE: import.meta.dirname } } },
        });`,
    });
    const config = {
      defaults: { memoryMb: 100 },
      concurrency: 3,
      queues: { 'my mail': { onRetry: 'skip' } },
      environments: { testing: { variables: { HERE: folder } } },
    };
    assert.deepEqual((await buildProject(folder)).config, config);
    await writeFiles(folder, { 'limits.ts': 'export const memoryMb = 200;' });
    assert.deepEqual((await buildProject(folder)).config, { ...config, defaults: { memoryMb: 200 } });
  });

  it('keeps the names of functions and classes, and a big project is built in one go', async (t) => {
    const tasks = Array.from(
      { length: 60 },
      (_, number) =>
        [
          `cloudcode/t${number}/index.ts`,
          `class Thing${number} {}\nexport const run = () => [run.name, Thing${number}.name];`,
        ] as const,
    );
    const project = await buildProject(await makeFolder(t, Object.fromEntries(tasks)));
    assert.equal(project.tasks.length, 60);
    assert.deepEqual((await runBundle(project, 't7')).result, ['run', 'Thing7']);
  });

  it('takes DB and the classes of values from the worker, which sets them before it calls run', async (t) => {
    const folder = await makeFolder(t, {
      'cloudcode/a/index.ts': `
        import { Attachment, Day, DB } from 'cloudcode';
        class Thing { static made() { return new this('made'); } constructor(readonly text: string) {} }
        export const run = () => {
          Object.assign(globalThis, { Day: Thing, Attachment: Thing, DB: { asset: 7, Batch: Thing } });
          class MyDay extends Day {}
          const day: object = new Day('x');
          return [day instanceof Day, day instanceof Thing, new MyDay('y') instanceof Thing, new MyDay('y') instanceof MyDay, Reflect.get(Day, 'made').call(Day).text, new Attachment({ data: 'z' }).text, DB.asset, new DB.Batch() instanceof Thing];
        };`,
    });
    assert.deepEqual((await runBundle(await buildProject(folder), 'a')).result, [
      true,
      true,
      true,
      true,
      'made',
      { data: 'z' },
      7,
      true,
    ]);
  });

  it('has the same exports in a bundle as in the published module', async (t) => {
    const folder = await makeFolder(t, {
      'cloudcode/a/index.ts': "import * as all from 'cloudcode';\nexport const run = () => Object.keys(all).sort();",
    });
    assert.deepEqual((await runBundle(await buildProject(folder), 'a')).result, Object.keys(sdk).sort());
  });
});
