import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { buildProject } from '../../src/project/build-project.ts';
import { endBundler } from '../../src/project/bundle.ts';
import { layOut } from './lay-out.ts';
import { makeFolder } from './make-folder.ts';
import { runBundle } from './run-bundle.ts';

const task = { 'cloudcode/a/index.ts': "import value from 'a-package';\nexport const run = () => value;" };

describe('what package managers and tools leave in node_modules travels as it is', () => {
  after(endBundler);

  it('pnpm without hoisting: an alias, two versions of one package, a peer, and what is asked for by a computed name', async (t) => {
    const store = 'node_modules/.pnpm';
    const one = (at: string, name: string, version: string, code: string, more = ''): Record<string, string> => ({
      [`${store}/${at}/node_modules/${name}/package.json`]: `{ "name": "${name}", "version": "${version}"${more} }`,
      [`${store}/${at}/node_modules/${name}/index.js`]: code,
    });
    const at = await makeFolder(t, {
      'pnpm-workspace.yaml': 'packages:\n  - "apps/*"\n',
      'apps/jobs/package.json':
        '{ "name": "jobs", "dependencies": { "other-name": "npm:own@1.0.0", "@scope/host": "1", "late": "1" } }',
      'apps/jobs/cloudcode/a/index.ts':
        "import own from 'other-name';\nimport host from '@scope/host';\nimport { createRequire } from 'node:module';\nconst load = createRequire(import.meta.url);\nconst name = 'late';\nexport const run = () => [own, host, load(name)];",
      ...one('own@1.0.0', 'own', '1.0.0', 'module.exports = 1;'),
      ...one('own@2.0.0', 'own', '2.0.0', 'module.exports = 2;'),
      ...one('late@1.0.0', 'late', '1.0.0', "module.exports = 'late';"),
      ...one(
        '@scope+host@1.0.0_own@2.0.0',
        '@scope/host',
        '1.0.0',
        "module.exports = ['host', require('own')];",
        ', "peerDependencies": { "own": "*" }',
      ),
    });
    const links = {
      'apps/jobs/node_modules/other-name': '../../../node_modules/.pnpm/own@1.0.0/node_modules/own',
      'apps/jobs/node_modules/late': '../../../node_modules/.pnpm/late@1.0.0/node_modules/late',
      'apps/jobs/node_modules/@scope/host':
        '../../../../node_modules/.pnpm/@scope+host@1.0.0_own@2.0.0/node_modules/@scope/host',
      [`${store}/@scope+host@1.0.0_own@2.0.0/node_modules/own`]: '../../own@2.0.0/node_modules/own',
    };
    for (const [path, target] of Object.entries(links)) {
      await mkdir(dirname(join(at, path)), { recursive: true });
      await symlink(target, join(at, path));
    }
    assert.deepEqual((await runBundle(await layOut(t, await buildProject(join(at, 'apps/jobs'))), 'a')).result, [
      1,
      ['host', 2],
      'late',
    ]);
  });

  it('a package that was patched where it lies, one that an override put in the place of another, and a client that was generated beside the packages with the schema that it reads', async (t) => {
    const folder = await makeFolder(t, {
      'package.json':
        '{ "name": "p", "dependencies": { "a-package": "1", "client": "1" }, "overrides": { "its-own": "npm:another@3" } }',
      'node_modules/a-package/package.json':
        '{ "name": "a-package", "version": "1.0.0", "dependencies": { "its-own": "1" } }',
      'node_modules/a-package/index.js': "module.exports = ['patched', require('its-own')];",
      'node_modules/its-own/package.json': '{ "name": "another", "version": "3.0.0" }',
      'node_modules/its-own/index.js': "module.exports = 'another';",
      'node_modules/client/package.json': '{ "name": "client", "version": "1.0.0" }',
      'node_modules/client/index.js': "module.exports = require('.made/client');",
      'node_modules/.made/client/package.json': '{ "name": "client-of-this-project" }',
      'node_modules/.made/client/index.js':
        "module.exports = require('fs').readFileSync(__dirname + '/schema.txt', 'utf8');",
      'node_modules/.made/client/schema.txt': 'a schema',
      'cloudcode/a/index.ts':
        "import value from 'a-package';\nimport schema from 'client';\nexport const run = () => [value, schema];",
    });
    assert.deepEqual((await runBundle(await layOut(t, await buildProject(folder)), 'a')).result, [
      ['patched', 'another'],
      'a schema',
    ]);
  });
});

describe("Yarn's Plug'n'Play", () => {
  after(endBundler);
  const installed = {
    ...task,
    'package.json': '{ "name": "p", "dependencies": { "cloudcode": "*", "a-package": "1" } }',
    '.pnp.cjs': '',
  };

  for (const [where, folder, files] of [
    ['in the project', '', installed],
    [
      'in the workspace that it is in',
      'apps/jobs',
      {
        '.pnp.cjs': '',
        ...Object.fromEntries(
          Object.entries(installed)
            .filter(([path]) => path !== '.pnp.cjs')
            .map(([path, text]) => [`apps/jobs/${path}`, text]),
        ),
      },
    ],
  ] as const) {
    it(`is refused with what to set: ${where}`, async (t) => {
      const at = await makeFolder(t, files);
      await assert.rejects(buildProject(join(at, folder)), {
        code: 'plug_n_play',
        message: `${join(at, '.pnp.cjs')}: the packages of this project (a-package) are installed as Yarn Plug'n'Play, without a node_modules folder: they cannot be deployed.`,
        hint: `Write \`nodeLinker: node-modules\` into ${join(at, '.yarnrc.yml')}, and run \`yarn install\`.`,
      });
    });
  }

  it('its file is nothing to a project that needs no package', async (t) => {
    const at = await makeFolder(t, {
      'package.json': '{ "name": "p", "dependencies": { "cloudcode": "*" } }',
      '.pnp.cjs': '',
      'cloudcode/a/index.ts': 'export const run = () => 1;',
    });
    assert.equal((await runBundle(await layOut(t, await buildProject(at)), 'a')).result, 1);
  });
});
