import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { buildProject } from '../../src/project/build-project.ts';
import { endBundler } from '../../src/project/bundle.ts';
import { layOut } from './lay-out.ts';
import { makeFolder } from './make-folder.ts';
import { runBundle, sourcePosition, textOf } from './run-bundle.ts';
import { inModules, packages, run } from './run-with-packages.ts';

/** As TypeScript and bundlers have it in files that do not say that they are ES modules, as Node has it in those that do. */
const flavours = [
  { name: 'TypeScript', file: 'cloudcode/a/index.ts', more: {}, compiled: 'the default' },
  {
    name: 'an ES module',
    file: 'cloudcode/a/index.mts',
    more: {},
    compiled: { default: 'the default', named: 'named' },
  },
  {
    name: 'TypeScript in a package of ES modules',
    file: 'cloudcode/a/index.ts',
    more: { 'package.json': '{ "type": "module" }' },
    compiled: { default: 'the default', named: 'named' },
  },
] as const;

describe('packages stay outside of the bundle, and are what they are in Node', { concurrency: true }, () => {
  after(endBundler);

  for (const { name, file, more, compiled } of flavours) {
    for (const [format, awaiting] of [
      ['cjs', ''],
      ['esm', 'await 1;'],
    ] as const) {
      it(`what an import gives: ${name}, a bundle in ${format}`, async (t) => {
        const source = `
          import common, { fixed, computed } from 'common';
          import compiled, { named as ofCompiled } from 'compiled';
          import byDefault, { named } from 'modules';
          import * as all from 'modules';
          import deep from 'modules/deep';
          import untyped, { is } from 'untyped';
          import dual from 'dual';
          import values from 'data/values.json' with { type: 'json' };
          import html from 'data/text.html';
          ${awaiting}
          export const run = async () => ({
            common: [common.fixed, common.computed, fixed, computed], compiled: [compiled, ofCompiled], modules: [byDefault.name, named, all.default === byDefault, all.named], deep: deep.split('/').slice(-2),
            untyped: [untyped, is], dual, data: [values.value, html],
            later: [(await import('common')).default === common, (await import('modules')).default === byDefault, (await import('dual')).default, (await import('awaits')).late, (await import('data/values.json')).default.value],
          });`;
        assert.deepEqual(await run(t, { ...more, [file]: source }), {
          common: [1, 2, 1, 2],
          compiled: [compiled, 'named'],
          modules: ['byDefault', 1, true, 1],
          deep: ['lib', 'deep.js'],
          untyped: ['untyped', 'a module by its text'],
          dual: 'imported',
          data: [3, '<p>text</p>'],
          later: [true, true, 'imported', 'late', 3],
        });
      });
    }
  }

  for (const [format, awaiting] of [
    ['cjs', ''],
    ['esm', 'await 1;'],
  ] as const) {
    it(`names of Node's are the file's own where it declares them, a bundle in ${format}`, async (t) => {
      const source = `
        import { createRequire } from 'node:module';
        import { dirname } from 'node:path';
        import { fileURLToPath } from 'node:url';
        ${awaiting}
        const require = createRequire(import.meta.url), __filename = fileURLToPath(import.meta.url), __dirname = dirname(__filename);
        const process = 'own process', module = 'own module', exports = 'own exports';
        export const run = () => [require('common').fixed, __filename.split('/').slice(-2), __dirname.split('/').at(-1), process, module, exports];`;
      assert.deepEqual(
        await run(t, { 'package.json': '{ "dependencies": { "common": "*" } }', 'cloudcode/a/index.ts': source }),
        [1, ['a', 'index.ts'], 'a', 'own process', 'own module', 'own exports'],
      );
    });
  }

  it('what `require` gives', async (t) => {
    const source = `
      const { basename } = require('node:path');
      exports.run = async () => [require('common').computed, require('compiled').default, require('modules').named, require('dual'), basename(require.resolve('dual')), require('data/values.json').value, require(['com', 'mon'].join('')).fixed, require === module.require];`;
    assert.deepEqual(await run(t, { 'cloudcode/a/index.cjs': source.replace(', require === module.require', '') }), [
      2,
      'the default',
      1,
      'required',
      'index.cjs',
      3,
      1,
    ]);
  });

  for (const [format, awaiting] of [
    ['cjs', ''],
    ['esm', 'await 1;'],
  ] as const) {
    it(`\`require\` of what is known when it runs looks from the file that says it, a bundle in ${format}`, async (t) => {
      const files = {
        'package.json': '{ "name": "p", "dependencies": { "two": "1" } }',
        ...inModules('two', {
          'package.json': '{ "name": "two", "version": "1.0.0" }',
          'index.js': 'module.exports = 1;',
        }),
        'lib/node_modules/two/package.json': '{ "name": "two", "version": "2.0.0" }',
        'lib/node_modules/two/index.js': 'module.exports = 2;',
        'cloudcode.config.mjs': "export default { files: ['lib/value.json'] };",
        'lib/value.json': '"of lib"',
        'lib/local/one.cjs': "module.exports = 'one';",
        'cloudcode/a/value.json': '"of the task"',
        'lib/loads.cjs': `
          // What \`require\` is called with.
          const name = ['tw', 'o'].join(''), file = ['./val', 'ue.json'].join(''), load = require;
          const found = [require(name), load('two'), require('two'), require(file), load('./value.json'), require.resolve(file).split('/').slice(-2), load.resolve('two').split('/').slice(-4), require.resolve('two').split('/').slice(-4), require('two', 1)];
          exports.found = [...found, require(name === 'two' ? './local/one.cjs' : './value.json'), require('./local/' + ['one'][0] + '.cjs'), typeof require, require.cache === load.cache];
          exports.fail = () => { throw new Error('on line 6'); };`,
        'cloudcode/a/index.ts': `${awaiting}\nimport { found, fail } from '../../lib/loads.cjs';\nexport const run = ({ fails }: { fails?: boolean }) => fails ? fail() : found;`,
      };
      const project = await layOut(t, await buildProject(await makeFolder(t, files)));
      const nested = ['lib', 'node_modules', 'two', 'index.js'];
      assert.deepEqual((await runBundle(project, 'a')).result, [
        2,
        2,
        2,
        'of lib',
        'of lib',
        ['lib', 'value.json'],
        nested,
        nested,
        2,
        'one',
        'one',
        'function',
        true,
      ]);
      assert.match(
        sourcePosition(
          (await runBundle(project, 'a', { fails: true })).stack ?? '',
          (await textOf(project.tasks[0])).sourceMap,
        ),
        /lib\/loads\.cjs:6:/,
      );
    });
  }

  it('a package that awaits at top level, imported by a file which does not', async (t) => {
    assert.equal(
      await run(t, {
        'cloudcode/shared/late.ts': "export { late } from 'awaits';",
        'cloudcode/a/index.ts': "import { late } from '../shared/late.ts';\nexport const run = () => late;",
      }),
      'late',
    );
  });

  it('`export *` of a package, and `#imports` of the project', async (t) => {
    const files = {
      'package.json': '{ "name": "p", "imports": { "#values": "data/values.json", "#own": "./own.ts" } }',
      'own.ts': "export * from 'common';\nexport * from 'modules';",
      'cloudcode/a/index.ts':
        "import * as own from '#own';\nimport values from '#values';\nexport const run = () => [own.fixed, own.computed, own.named, 'default' in own, values.value];",
    };
    assert.deepEqual(await run(t, files), [1, 2, 1, false, 3]);
  });

  it('one that is not there: MODULE_NOT_FOUND when it is reached, in a package and in a `try`', async (t) => {
    const source =
      "import { load, without } from 'gaps';\nexport const run = () => {\n  const codes = [];\n  try { load(); } catch (error) { codes.push(error.code); }\n  try { require('nowhere'); } catch (error) { codes.push(error.code); }\n  return [without, ...codes];\n};";
    assert.deepEqual(await run(t, { 'cloudcode/a/index.ts': source }), [true, 'MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']);
  });

  it('several versions of one package, each for who imports it', async (t) => {
    const files = {
      ...inModules('two', {
        'package.json': '{ "name": "two", "version": "1.0.0" }',
        'index.js': 'module.exports = 1;',
      }),
      ...inModules('user', {
        'package.json': '{ "name": "user", "dependencies": { "two": "2" } }',
        'index.js': "exports.two = require('two');",
        'node_modules/two/package.json': '{ "name": "two", "version": "2.0.0" }',
        'node_modules/two/index.js': 'module.exports = 2;',
      }),
      'cloudcode/a/index.ts':
        "import two from 'two';\nimport user from 'user';\nexport const run = () => [two, user.two];",
    };
    assert.deepEqual(await run(t, files), [1, 2]);
  });

  it('one instance of a package, however it is reached', async (t) => {
    const files = {
      ...inModules('peer', { 'package.json': '{ "name": "peer" }', 'index.js': 'module.exports = class Peer {};' }),
      ...inModules('host', {
        'package.json': '{ "name": "host", "peerDependencies": { "peer": "*" } }',
        'index.js': 'exports.load = (name) => require(name);',
      }),
      'cloudcode/a/index.ts':
        "import Peer from 'peer';\nimport { load } from 'host';\nexport const run = () => load('peer') === Peer;",
    };
    assert.equal(await run(t, files), true);
  });

  it('the layout of pnpm', async (t) => {
    const folder = await makeFolder(t, {
      'node_modules/.pnpm/a-package@1.0.0/node_modules/a-package/package.json':
        '{ "name": "a-package", "version": "1.0.0", "dependencies": { "its-own": "1" } }',
      'node_modules/.pnpm/a-package@1.0.0/node_modules/a-package/index.js': "module.exports = require('its-own') + 1;",
      'node_modules/.pnpm/its-own@1.0.0/node_modules/its-own/package.json': '{ "name": "its-own", "version": "1.0.0" }',
      'node_modules/.pnpm/its-own@1.0.0/node_modules/its-own/index.js': 'module.exports = 1;',
      'cloudcode/a/index.ts': "import value from 'a-package';\nexport const run = () => value;",
    });
    for (const [from, to] of [
      ['node_modules/a-package', '.pnpm/a-package@1.0.0/node_modules/a-package'],
      ['node_modules/.pnpm/a-package@1.0.0/node_modules/its-own', '../../its-own@1.0.0/node_modules/its-own'],
    ] as const) {
      await mkdir(dirname(join(folder, from)), { recursive: true });
      await symlink(to, join(folder, from));
    }
    assert.equal((await runBundle(await layOut(t, await buildProject(folder)), 'a')).result, 2);
  });

  it('what code names only in a string travels too, when package.json says that it depends on it', async (t) => {
    const files = {
      'package.json': '{ "name": "p", "dependencies": { "common": "*", "modules": "*" } }',
      'cloudcode/a/index.ts':
        "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\nconst load = (name: string) => require(name);\nexport const run = () => [load('common').fixed, load('modules/deep').default.split('/').at(-1)];",
    };
    assert.deepEqual(await run(t, files), [1, 'deep.js']);
  });

  it('a package of which a task imports types alone stays, however large it is', async (t) => {
    const folder = await makeFolder(t, {
      ...packages,
      'package.json':
        '{ "name": "p", "dependencies": { "common": "*", "modules": "*", "compiled": "*", "dual": "*" } }',
      'cloudcode/a/index.ts':
        "import type { One } from 'common';\nimport { type Two } from \"modules\";\nexport type { Three } from 'compiled';\nexport const run = (of: One & Two & import('dual').Four) => of;",
    });
    const { report, packages: found } = await buildProject(folder);
    assert.deepEqual([report, found.tree.folders], [[], []]);
  });

  it('`bundle` has a package built into the bundle, and `external` is told to the worker', async (t) => {
    const folder = await makeFolder(t, {
      ...packages,
      'cloudcode.config.ts': "export default { external: ['common'] };",
      'cloudcode/a/index.ts':
        "import { named } from 'modules';\nexport const run = () => named;\nexport const config = { bundle: ['modules'] };",
      'cloudcode/b/index.ts':
        "import { named } from 'modules';\nexport const run = () => named;\nexport const config = { external: ['dual'] };",
    });
    const { tasks, report } = await buildProject(folder);
    const codes = await Promise.all(tasks.map(textOf));
    assert.deepEqual(
      tasks.map(({ name, external }, position) => [
        name,
        external,
        codes[position]?.code.includes('named = 1'),
        codes[position]?.code.includes('node_modules/modules/main.js")'),
      ]),
      [
        ['a', ['common'], true, false],
        ['b', ['common', 'dual'], false, true],
      ],
    );
    assert.deepEqual(
      report.map((one) => [one.package, one.how]),
      [
        ['modules', 'outside'],
        ['modules', 'bundled'],
      ],
    );
  });
});
