import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { buildProject } from '../../src/project/build-project.ts';
import { endBundler } from '../../src/project/bundle.ts';
import { writeTypesOf } from '../../src/project/write-types.ts';
import { makeFolder } from './make-folder.ts';

const good = 'export async function run() {}\n';
const withConfig = (config: string): string => `${good}export const config = ${config};\n`;

interface Kind {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  /** By name, with their codes and what the message says. */
  readonly broken: readonly (readonly [name: string, code: string, says: RegExp])[];
  readonly link?: readonly [path: string, target: string];
}

const kinds: readonly Kind[] = [
  {
    name: 'a name that no task can have',
    files: { 'cloudcode/my task/index.ts': good },
    broken: [['my task', 'invalid_task', /"my task" cannot be the name of a task/]],
  },
  {
    name: 'two index files in one folder',
    files: { 'cloudcode/b/index.ts': good, 'cloudcode/b/index.js': good },
    broken: [['b', 'task_name_clash', /b\/index\.ts and cloudcode\/b\/index\.js are the same task/]],
  },
  {
    name: 'names that differ only in case',
    files: { 'cloudcode/Send/index.ts': good, 'cloudcode/send/index.ts': good },
    broken: [
      ['Send', 'task_name_clash', /only in case/],
      ['send', 'task_name_clash', /only in case/],
    ],
  },
  {
    name: 'a pattern that matches nothing',
    files: { 'cloudcode/b/index.ts': withConfig("{ files: ['none/**'] }") },
    broken: [['b', 'invalid_task_config', /`files\[0\]` is "none\/\*\*"; it matches no file/]],
  },
  {
    name: 'a pattern that leads out of the project',
    files: { 'cloudcode/b/index.ts': withConfig("{ files: ['../../../x'] }") },
    broken: [['b', 'invalid_task_config', /leads out of the project/]],
  },
  {
    name: 'an unknown key in its config',
    files: { 'cloudcode/b/index.ts': withConfig('{ timeout: 5 }') },
    broken: [['b', 'invalid_task_config', /a key that is not known: `timeout`/]],
  },
  {
    name: 'a computed config that throws',
    files: { 'cloudcode/b/index.ts': withConfig("{ timeoutMs: (() => { throw new Error('no') })() }") },
    broken: [['b', 'task_broken', /it threw Error: no/]],
  },
  {
    name: 'a link out of the project in its folder',
    files: { 'cloudcode/b/index.ts': good },
    link: ['cloudcode/b/etc', '/etc'],
    broken: [['b', 'invalid_task', /cloudcode\/b\/etc is a link out of the project/]],
  },
  {
    name: 'no run',
    files: { 'cloudcode/b/index.ts': 'export const go = 1;' },
    broken: [['b', 'task_without_run', /does not export `run`/]],
  },
];

describe(
  'one broken task does not stop the others of its project, whatever is wrong with it',
  { concurrency: true },
  () => {
    after(endBundler);
    for (const { name, files, link, broken } of kinds) {
      it(`${name}: the others are built, and it is named`, async (t) => {
        const folder = await makeFolder(t, {
          'cloudcode/good/index.ts': good,
          'cloudcode/good/template.txt': 'text',
          ...files,
        });
        if (link !== undefined) await symlink(link[1], join(folder, link[0]));
        const built = await buildProject(folder, { brokenTasks: 'pass_over' });
        assert.deepEqual(
          built.tasks.map((task) => task.name),
          ['good'],
        );
        assert.deepEqual(
          built.files?.files.map(({ path }) => path),
          ['cloudcode/good/template.txt'],
        );
        assert.deepEqual(
          built.broken.map((task) => [task.name, task.problem.code]),
          broken.map(([task, code]) => [task, code]),
        );
        for (const [index, [, , says]] of broken.entries())
          assert.match(built.broken[index]?.problem.message ?? '', says);
      });

      it(`${name}: where all must be good, it is refused`, async (t) => {
        const folder = await makeFolder(t, { 'cloudcode/good/index.ts': good, ...files });
        if (link !== undefined) await symlink(link[1], join(folder, link[0]));
        const [, code, says] = broken[0] ?? ['', '', /./];
        await assert.rejects(buildProject(folder), { code, message: says });
      });
    }

    it('without a good task, all is refused, with each mistake once', async (t) => {
      const folder = await makeFolder(t, {
        'cloudcode/b/index.ts': good,
        'cloudcode/b/index.js': good,
        'cloudcode/c/index.ts': withConfig("{ files: ['none'] }"),
      });
      await assert.rejects(
        buildProject(folder, { brokenTasks: 'pass_over' }),
        ({ message }: Error) => message.split('are the same task').length === 2 && message.includes('matches no file'),
      );
    });

    it('the types name no task that cannot be scheduled for its name, and one of two of one name', async (t) => {
      const folder = await makeFolder(t, {});
      const tasks = ["it's", 'b', 'b', 'good'].map((name) => ({ name, file: `cloudcode/${name}/index.ts` }));
      const path = await writeTypesOf({ folder, tasks }, { module: [], globals: [] });
      const { readFile } = await import('node:fs/promises');
      assert.deepEqual((await readFile(path, 'utf8')).match(/^ {4}'[^:]*': /gm), ["    'b': ", "    'good': "]);
    });
  },
);
