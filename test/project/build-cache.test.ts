import assert from 'node:assert/strict';
import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { buildProject, type BuiltProject, type BuiltTask } from '../../src/project/build-project.ts';
import { onBuildStep } from '../../src/project/build-steps.ts';
import { bundleHash } from '../../src/contents/bundle-hash.ts';
import { endBundler } from '../../src/project/bundle.ts';
import { readBundleText } from '../../src/contents/stored-bundle.ts';
import { onFileRead } from '../../src/project/read-files.ts';
import { makeFolder, writeFiles } from './make-folder.ts';

const steps: string[] = [];
const read: string[] = [];
onBuildStep(({ kind, step }) => kind === 'begun' && steps.push(step));
onFileRead((path) => read.push(path));

const files = {
  'package.json': '{ "name": "p", "dependencies": { "common": "*" } }',
  'tsconfig.json': '{ "compilerOptions": { "paths": { "#s": ["./cloudcode/shared/one.js"] } } }',
  'node_modules/common/package.json': '{ "name": "common", "version": "1.0.0" }',
  'node_modules/common/index.js': 'module.exports = 1;',
  'node_modules/common/other.js': 'module.exports = 2;',
  'cloudcode/shared/one.js': 'export const one = 1;',
  'cloudcode/shared/two.ts': 'export const two = 2;',
  'cloudcode/shared/run.ts': 'postMessage(1);',
  'cloudcode/a/index.ts':
    "import { one } from '#s';\nimport common from 'common';\nexport const run = () => [one, common];\nexport const config = { maxAttempts: Number(3) };",
  'cloudcode/b/index.ts':
    "import { two } from '../shared/two';\nexport const run = () => [two, new URL('../shared/run.ts', import.meta.url)];\nexport const config = { timeoutMs: 5 };",
};

/** @returns the tasks that were built, and the project */
async function build(folder: string): Promise<{ readonly tasks: readonly string[]; readonly project: BuiltProject }> {
  steps.length = 0;
  read.length = 0;
  const project = await buildProject(folder, { cache: join(folder, '.cloudcode') });
  return {
    tasks: [...new Set(steps.flatMap((step) => /^loading cloudcode\/(\w)\//.exec(step)?.[1] ?? []))].sort(),
    project,
  };
}

/** The hash says what the text is, in memory or in a file. */
function withoutText({ tasks }: BuiltProject): unknown {
  return tasks.map(({ name, hash, format, file, config, external, spawnNeed }) => [
    name,
    hash,
    format,
    file,
    config,
    external,
    spawnNeed,
  ]);
}

async function builtOnce(t: TestContext): Promise<string> {
  const folder = await makeFolder(t, files);
  await ageAll(folder);
  assert.deepEqual((await build(folder)).tasks, ['a', 'b']);
  return folder;
}

/** What was changed at the time of the build is not kept: it may be changed again. */
async function ageAll(_folder: string): Promise<void> {
  await setTimeout(40);
}

describe('what was built is used again as long as nothing that it was built from is another', () => {
  after(endBundler);

  it('nothing changed: nothing is built, and it comes to the same, with the files to be watched', async (t) => {
    const folder = await makeFolder(t, files);
    await ageAll(folder);
    const first = await build(folder);
    const before = new Set(read);
    const again = await build(folder);
    assert.deepEqual([again.tasks, steps.filter((step) => step.startsWith('bundling'))], [[], []]);
    assert.deepEqual(again.project, first.project);
    assert.deepEqual(new Set(read), before);
    assert.deepEqual(withoutText(await buildProject(folder)), withoutText(first.project), 'as without');
    for (const task of again.project.tasks)
      assert.equal(bundleHash({ ...task, ...(await readBundleText(task)) }), task.hash);
  });

  const changes: readonly {
    readonly name: string;
    readonly change: Readonly<Record<string, string>>;
    readonly tasks: readonly string[];
  }[] = [
    { name: 'a task', change: { 'cloudcode/b/index.ts': `${files['cloudcode/b/index.ts']}//` }, tasks: ['b'] },
    { name: 'what it imports', change: { 'cloudcode/shared/one.js': 'export const one = 10;' }, tasks: ['a'] },
    { name: 'a file of a thread', change: { 'cloudcode/shared/run.ts': 'postMessage(2);' }, tasks: ['b'] },
    {
      name: 'a file that is found first',
      change: { 'cloudcode/shared/two.tsx': 'export const two = 2;', 'cloudcode/shared/two.js': '' },
      tasks: ['a', 'b'],
    },
    {
      name: 'the tsconfig',
      change: {
        'tsconfig.json':
          '{ "compilerOptions": { "paths": { "#s": ["./cloudcode/shared/one.js"] }, "target": "es2022" } }',
      },
      tasks: ['a', 'b'],
    },
    {
      name: 'where a package begins',
      change: { 'node_modules/common/package.json': '{ "name": "common", "version": "1.0.0", "main": "other.js" }' },
      tasks: ['a'],
    },
    {
      name: 'what is installed',
      change: { 'cloudcode/node_modules/common/index.js': 'module.exports = 3;' },
      tasks: ['a', 'b'],
    },
    {
      name: 'what the configuration bundles',
      change: { 'cloudcode.config.ts': "export default { bundle: ['common'] };" },
      tasks: ['a', 'b'],
    },
  ];
  for (const { name, change, tasks } of changes) {
    it(`${name}: as a build without what is kept has it`, async (t) => {
      const folder = await builtOnce(t);
      await writeFiles(folder, change);
      await setTimeout(40);
      const again = await build(folder);
      assert.deepEqual(again.tasks, tasks);
      assert.deepEqual(withoutText(again.project), withoutText(await buildProject(folder)));
      assert.deepEqual((await build(folder)).tasks, [], 'and is kept in turn');
    });
  }

  it('a task that is broken, and fixed', async (t) => {
    const folder = await builtOnce(t);
    await writeFiles(folder, { 'cloudcode/shared/two.ts': 'broken(' });
    await assert.rejects(build(folder), { code: 'task_broken' });
    await writeFiles(folder, { 'cloudcode/shared/two.ts': files['cloudcode/shared/two.ts'] });
    await setTimeout(40);
    assert.deepEqual((await build(folder)).tasks, ['b']);
  });

  it('what is kept is damaged, or of a task that is gone', async (t) => {
    const folder = await builtOnce(t);
    const place = join(folder, '.cloudcode/build');
    await writeFile(join(place, 'a.task'), 'damaged');
    await writeFile(join(place, 'gone.task'), '');
    assert.deepEqual((await build(folder)).tasks, ['a']);
    assert.deepEqual((await readdir(place)).sort(), ['a.task', 'b.task', 'bundles']);
  });

  it('the text of a bundle is gone or damaged: a deployment is refused, and the next build makes it anew', async (t) => {
    const folder = await builtOnce(t);
    const first = async (): Promise<BuiltTask> => (await build(folder)).project.tasks[0] as BuiltTask;
    const task = await first();
    const { code } = await readBundleText(task);
    const path = 'path' in task ? task.path : '';
    for (const damage of [() => writeFile(path, 'damaged'), () => rm(path)]) {
      await damage();
      await assert.rejects(readBundleText(task), { code: 'build_failed' });
      assert.equal((await readBundleText(await first())).code, code);
    }
  });

  it('a file that is written while it is built is read again next time, however little later', async (t) => {
    const folder = await makeFolder(t, files);
    const soon = new Date(Date.now() + 1000);
    await utimes(join(folder, 'cloudcode/a/index.ts'), soon, soon);
    await build(folder);
    assert.deepEqual((await build(folder)).tasks.includes('a'), true);
  });
});
