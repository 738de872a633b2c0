import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { buildProject } from '../../src/project/build-project.ts';
import { endBundler } from '../../src/project/bundle.ts';
import { layOut } from './lay-out.ts';
import { makeFolder } from './make-folder.ts';
import { runBundle } from './run-bundle.ts';

describe('a linked package is code of the project, with what it needs', { concurrency: true }, () => {
  after(endBundler);

  it("a linked package of the workspace is the project's own code, with packages of its own", async (t) => {
    const at = await makeFolder(t, {
      'package.json': '{ "name": "workspace" }',
      'node_modules/common/package.json': '{ "name": "common" }',
      'node_modules/common/index.js': "module.exports = 'of the workspace';",
      'packages/lib/package.json': '{ "name": "lib", "main": "src/index.ts" }',
      'packages/lib/src/index.ts':
        "import own from 'own';\nimport common from 'common';\nenum Kind { One = 1 }\nexport const lib = [own, common, Kind.One, import.meta.dirname.split('/').slice(-3)];",
      'packages/lib/node_modules/own/package.json': '{ "name": "own" }',
      'packages/lib/node_modules/own/index.js': "module.exports = 'of the library';",
      'apps/jobs/package.json': '{ "name": "jobs", "dependencies": { "lib": "*" } }',
      'apps/jobs/cloudcode/a/index.ts':
        "import common from 'common';\nimport { lib } from 'lib';\nexport const run = () => [common, ...lib];",
    });
    await symlink('../packages/lib', join(at, 'node_modules/lib'));
    const project = await buildProject(join(at, 'apps/jobs'));
    assert.equal(project.packages.projectPath, 'apps/jobs');
    assert.deepEqual((await runBundle(await layOut(t, project), 'a')).result, [
      'of the workspace',
      'of the library',
      'of the workspace',
      1,
      ['packages', 'lib', 'src'],
    ]);
  });

  const library = {
    'packages/lib/package.json': '{ "name": "@own/lib", "version": "1.0.0", "main": "src/index.ts" }',
    'packages/lib/src/index.ts':
      "import { readFileSync } from 'node:fs';\nimport { join } from 'node:path';\nexport const greet = () => [readFileSync(join(import.meta.dirname, 'mails/hello.txt'), 'utf8'), readFileSync(new URL('../data.csv', import.meta.url), 'utf8')];",
    'packages/lib/src/mails/hello.txt': 'Hello',
    'packages/lib/data.csv': '1,2',
    'packages/lib/.env': 'SECRET=1',
    'packages/lib/node_modules/.bin/x': '',
    'packages/lib/coverage/report.html': 'large',
  };
  const user = {
    'package.json': '{ "name": "jobs", "dependencies": { "@own/lib": "*" } }',
    'cloudcode/a/index.ts': "import { greet } from '@own/lib';\nexport const run = greet;",
  };
  const inFolder = (folder: string, files: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]));
  const linkInto = async (at: string, path: string, target: string): Promise<void> => {
    await mkdir(dirname(join(at, path)), { recursive: true });
    await symlink(target, join(at, path));
  };
  for (const [how, project, place, target, files] of [
    [
      'npm and Yarn workspaces',
      'apps/jobs',
      'node_modules/@own/lib',
      '../../packages/lib',
      { ...library, ...inFolder('apps/jobs', user) },
    ],
    [
      'pnpm workspaces',
      'apps/jobs',
      'apps/jobs/node_modules/@own/lib',
      '../../../../packages/lib',
      { ...library, ...inFolder('apps/jobs', user) },
    ],
    [
      'a project that is itself the root of the workspace',
      '',
      'node_modules/@own/lib',
      '../../packages/lib',
      { ...library, ...user },
    ],
    [
      '`npm install ../elsewhere`, or `link:`',
      'projects/jobs',
      'projects/jobs/node_modules/@own/lib',
      '../../../../elsewhere/packages/lib',
      { ...inFolder('elsewhere', library), ...inFolder('projects/jobs', user) },
    ],
    [
      'one that another linked one imports, under a name of its own',
      'apps/jobs',
      'packages/middle/node_modules/other-name',
      '../../lib',
      {
        ...library,
        ...inFolder('apps/jobs', { ...user, 'cloudcode/a/index.ts': "export { greet as run } from 'middle';" }),
        'packages/middle/package.json': '{ "name": "middle" }',
        'packages/middle/index.js': "export { greet } from 'other-name';",
      },
    ],
  ] as const) {
    it(`a linked package brings the files that its code reads beside itself: ${how}`, async (t) => {
      const at = await makeFolder(t, {
        ...files,
        '.gitignore': 'coverage/\n',
        '.git/HEAD': '',
        'elsewhere/.gitignore': 'coverage/\n',
        'elsewhere/.git/HEAD': '',
      });
      await linkInto(at, place, target);
      if (how.startsWith('one that')) await linkInto(at, 'apps/jobs/node_modules/middle', '../../../packages/middle');
      const built = await buildProject(join(at, project));
      assert.deepEqual((await runBundle(await layOut(t, built), 'a')).result, ['Hello', '1,2']);
      const carried = built.packages.folders.find(({ name }) => name === '@own/lib@1.0.0');
      assert.deepEqual(
        carried?.files.map(({ path }) => path),
        ['data.csv', 'package.json', 'src/index.ts', 'src/mails/hello.txt'],
      );
      assert.deepEqual(built.report.find((one) => one.package === '@own/lib@1.0.0')?.how, 'linked');
    });
  }

  it('of a linked package whose code git ignores, what lies beside that code', async (t) => {
    const at = await makeFolder(t, {
      ...inFolder('apps/jobs', user),
      '.git/HEAD': '',
      '.gitignore': 'dist/\n*.tmp\n',
      'packages/lib/package.json': '{ "name": "@own/lib", "main": "dist/index.js" }',
      'packages/lib/dist/index.js': "exports.greet = () => require('node:fs').readdirSync(__dirname).sort();",
      'packages/lib/dist/hello.txt': '',
      'packages/lib/dist/x.tmp': '',
      'packages/lib/src/x.tmp': '',
    });
    await linkInto(at, 'node_modules/@own/lib', '../../packages/lib');
    assert.deepEqual((await runBundle(await layOut(t, await buildProject(join(at, 'apps/jobs'))), 'a')).result, [
      'hello.txt',
      'index.js',
      'x.tmp',
    ]);
  });

  it('a native add-on of a linked package travels, also when git ignores it; one outside of the project and of all packages is refused with what to do', async (t) => {
    const loads = "export const run = () => { try { return require('ADDON'); } catch (error) { return error.code; } };";
    const at = await makeFolder(t, {
      '.git/HEAD': '',
      '.gitignore': 'build/\n',
      'packages/native/package.json': '{ "name": "native" }',
      'packages/native/index.ts': loads.replace('run', 'where').replace('ADDON', './build/Release/x.node'),
      'packages/native/build/Release/x.node': 'an add-on',
      'apps/jobs/package.json': '{ "name": "jobs" }',
      'apps/jobs/cloudcode/a/index.ts': "export { where as run } from 'native';",
      'apps/other/cloudcode/b/index.ts': loads.replace('ADDON', '../../../../packages/native/build/Release/x.node'),
    });
    await linkInto(at, 'node_modules/native', '../packages/native');
    const built = await buildProject(join(at, 'apps/jobs'));
    assert.equal((await runBundle(await layOut(t, built), 'a')).result, 'ERR_DLOPEN_FAILED');
    assert.equal(built.tasks[0]?.spawnNeed, 'native');
    await assert.rejects(buildProject(join(at, 'apps/other')), {
      code: 'task_broken',
      message:
        'cloudcode/b/index.ts uses the native add-on ../../packages/native/build/Release/x.node, which lies outside of the project and in no package that it depends on: it cannot be deployed.',
    });
  });

  it('code that a link in the folder of a task leads to finds the files beside it', async (t) => {
    const at = await makeFolder(t, {
      'elsewhere/lib/read.ts':
        "import { readFileSync } from 'node:fs';\nexport const read = () => readFileSync(new URL('./words.txt', import.meta.url), 'utf8');",
      'elsewhere/lib/words.txt': 'words',
      'project/cloudcode/a/index.ts': "export { read as run } from './lib/read.ts';",
    });
    await linkInto(at, 'project/cloudcode/a/lib', '../../../elsewhere/lib');
    assert.equal((await runBundle(await layOut(t, await buildProject(join(at, 'project'))), 'a')).result, 'words');
  });
});
