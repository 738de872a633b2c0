import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { buildProject } from '../../src/project/build-project.ts';
import { endBundler } from '../../src/project/bundle.ts';
import { layOut } from './lay-out.ts';
import { makeFolder } from './make-folder.ts';
import { runBundle } from './run-bundle.ts';

const task = { 'cloudcode/a/index.ts': "import value from 'a-package';\nexport const run = () => value;" };

describe("Yarn's Plug'n'Play", { concurrency: true }, () => {
  after(endBundler);
  const installed = { ...task, 'package.json': '{ "name": "p", "dependencies": { "cloudcode": "*", "a-package": "1" } }', '.pnp.cjs': '' };

  for (const [where, folder, files] of [['in the project', '', installed], ['in the workspace that it is in', 'apps/jobs', { '.pnp.cjs': '', ...Object.fromEntries(Object.entries(installed).filter(([path]) => path !== '.pnp.cjs').map(([path, text]) => [`apps/jobs/${path}`, text])) }]] as const) {
    it(`is refused with what to set: ${where}`, async (t) => {
      const at = await makeFolder(t, files);
      await assert.rejects(buildProject(join(at, folder)), {
        code: 'plug_n_play', message: `${join(at, '.pnp.cjs')}: the packages of this project (a-package) are installed as Yarn Plug'n'Play, without a node_modules folder: they cannot be deployed.`,
        hint: `Write \`nodeLinker: node-modules\` into ${join(at, '.yarnrc.yml')}, and run \`yarn install\`.`,
      });
    });
  }

  it('its file is nothing to a project that needs no package', async (t) => {
    const at = await makeFolder(t, { 'package.json': '{ "name": "p", "dependencies": { "cloudcode": "*" } }', '.pnp.cjs': '', 'cloudcode/a/index.ts': 'export const run = () => 1;' });
    assert.equal((await runBundle(await layOut(t, await buildProject(at)), 'a')).result, 1);
  });
});

