import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { serialize } from 'node:v8';
import { bytesOf, readBundleText } from '../../src/contents/stored-bundle.ts';
import { buildProject } from '../../src/project/build-project.ts';
import { onBuildStep } from '../../src/project/build-steps.ts';
import { endBundler } from '../../src/project/bundle.ts';
import { makeFolder } from './make-folder.ts';

const steps: string[] = [];
onBuildStep(({ kind, step }) => kind === 'begun' && steps.push(step));

describe('tasks that share code of their project', () => {
  after(endBundler);

  it('a save of one: it alone is linked again, and who deploys is told where the code of all is, and not what it says', async (t) => {
    const names = Array.from({ length: 20 }, (_, number) => `task${number}`);
    const sourceOf = (name: string, mark: string): string =>
      `import { text } from '../shared/text.ts';\nexport const run = () => ['${name} ${mark}', text];`;
    const folder = await makeFolder(t, {
      'cloudcode/shared/text.ts': `export const text = '${'x'.repeat(200_000)}';`,
      ...Object.fromEntries(names.map((name) => [`cloudcode/${name}/index.ts`, sourceOf(name, 'before')])),
    });
    const cache = join(folder, '.cloudcode');
    await setTimeout(40);
    const before = await buildProject(folder, { cache });
    await writeFile(join(folder, 'cloudcode/task7/index.ts'), sourceOf('task7', 'after'));
    steps.length = 0;
    const after = await buildProject(folder, { cache });
    assert.deepEqual([...new Set(steps.filter((step) => step.startsWith('loading')))].sort(), [
      'loading cloudcode/shared/text.ts',
      'loading cloudcode/task7/index.ts',
    ]);
    assert.deepEqual(
      after.tasks.filter(({ hash }, position) => hash !== before.tasks[position]?.hash).map(({ name }) => name),
      ['task7'],
    );
    assert.ok(after.tasks.every((task) => bytesOf(task) > 200_000));
    assert.ok(serialize(after.tasks).length < 20 * 1000);
    const task = after.tasks.find(({ name }) => name === 'task7');
    assert.ok(task !== undefined && (await readBundleText(task)).code.includes('task7 after'));
  });

  it('where nothing can be kept, the code is held in memory', async (t) => {
    const folder = await makeFolder(t, {
      'cloudcode/a/index.ts': 'export const run = () => 1;',
      '.cloudcode/build': 'a file in the place of the folder',
    });
    const { tasks } = await buildProject(folder, { cache: join(folder, '.cloudcode') });
    await rm(join(folder, '.cloudcode'), { recursive: true });
    assert.ok(tasks[0] !== undefined && (await readBundleText(tasks[0])).code.includes('run'));
  });

  it('`run` and `config` that come from what several share are what they are in each', async (t) => {
    const files = {
      'cloudcode/shared/all.ts': 'export const config = { timeoutMs: 5 * 60 };\nexport const run = () => 1;',
      'cloudcode/a/index.ts': "export * from '../shared/all.ts';",
      'cloudcode/b/index.ts': "export { run, config } from '../shared/all.ts';",
      'cloudcode/c/index.ts': "import { config, run } from '../shared/all.ts';\nexport { run };\nconsole.log(config);",
    };
    const { tasks } = await buildProject(await makeFolder(t, files));
    assert.deepEqual(
      tasks.map(({ config }) => config),
      [{ timeoutMs: 300 }, { timeoutMs: 300 }, {}],
    );
    const wrong = await makeFolder(t, { ...files, 'cloudcode/shared/all.ts': "export const run = 'no function';" });
    await assert.rejects(buildProject(wrong), ({ message }: Error) =>
      ['a', 'b'].every((name) => message.includes(`cloudcode/${name}/index.ts exports a \`run\` that is no function`)),
    );
  });

  it('what is wrong with some of many is told of those alone', async (t) => {
    const names = Array.from({ length: 11 }, (_, number) => `t${String(number).padStart(2, '0')}`);
    const broken = ['t03', 't09'];
    const folder = await makeFolder(t, {
      'cloudcode/shared.ts': 'export const shared = 1;',
      ...Object.fromEntries(
        names.map((name) => [
          `cloudcode/${name}/index.ts`,
          `import { shared } from '../${broken.includes(name) ? 'gone' : 'shared'}.ts';\nexport const run = () => shared;`,
        ]),
      ),
    });
    const built = await buildProject(folder, { brokenTasks: 'pass_over' });
    assert.deepEqual(
      built.broken.map(({ name }) => name),
      broken,
    );
    assert.equal(built.tasks.length, names.length - broken.length);
  });
});
