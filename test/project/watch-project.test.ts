import assert from 'node:assert/strict';
import { mkdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, describe, it, type TestContext } from 'node:test';
import { buildProject } from '../../src/project/build-project.ts';
import { endBundler } from '../../src/project/bundle.ts';
import { onFileRead } from '../../src/project/read-files.ts';
import { watchProject, type WatchOptions } from '../../src/project/watch/watch-project.ts';
import { makeFolder } from './make-folder.ts';

/** Begins to watch after a build that has seen everything as it is. */
function watch(folder: string, onChange: WatchOptions['onChange'], read: readonly string[] = []) {
  return watchProject({
    folder,
    built: { read, beganAtMs: Number.POSITIVE_INFINITY },
    onChange,
    onBlind: (error) => assert.fail(error),
  });
}

async function startWatch(t: TestContext, folder: string, read: readonly string[] = []) {
  const told: (readonly string[])[] = [];
  let wake = (): void => undefined;
  const started = await watch(
    folder,
    async (files) => {
      told.push(files);
      wake();
      return read;
    },
    read,
  );
  t.after(() => started.close());
  const next = async (): Promise<readonly string[]> => {
    const timeout = AbortSignal.timeout(10_000);
    while (told.length === 0) {
      await new Promise<void>((resolve, reject) => {
        wake = resolve;
        timeout.addEventListener('abort', () => reject(new Error('No change was told within 10 s.')), { once: true });
      });
    }
    return told.shift() ?? [];
  };
  return { watch: started, next, told };
}

/** Writes the files at one instant for a watch in this process: it sees none of them empty, and no pause between them. */
function change(folder: string, texts: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function canLimit(): boolean {
  return (
    spawnSync('unshare', ['-Ur', 'sh', '-c', 'echo 0 > /proc/sys/user/max_inotify_watches'], { stdio: 'ignore' })
      .status === 0
  );
}

const files = { 'cloudcode/a/index.ts': 'export const run = 1;', 'package.json': '{}' };

describe('watchProject', () => {
  after(endBundler);

  it('tells of a changed, a new and a removed task, of the configuration and of the data model', async (t) => {
    const folder = await makeFolder(t, files);
    const { next } = await startWatch(t, folder);
    change(folder, { 'cloudcode/a/index.ts': 'export const run = 2;' });
    assert.deepEqual(await next(), ['cloudcode/a/index.ts']);
    change(folder, { 'cloudcode.config.ts': 'export default {};' });
    assert.deepEqual(await next(), ['cloudcode.config.ts']);
    change(folder, { 'schema.xml': '<data-model/>' });
    assert.deepEqual(await next(), ['schema.xml']);
    await rm(join(folder, 'schema.xml'));
    assert.deepEqual(await next(), ['schema.xml']);
    change(folder, { 'data-model.ts': 'export default {};' });
    assert.deepEqual(await next(), ['data-model.ts']);
    change(folder, { 'cloudcode/new/index.ts': '' });
    // On a busy machine its folder may be told of before.
    while (!(await next()).includes('cloudcode/new/index.ts'));
    await rm(join(folder, 'cloudcode/new'), { recursive: true });
    assert.ok((await next()).some((file) => file.startsWith('cloudcode/new')));
  });

  it('tells of what a build has read, wherever it lies, of what says how that is found, and of a file that takes its place', async (t) => {
    const root = await makeFolder(t, {
      'app/cloudcode/a/index.ts': '',
      'app/.env': '',
      'app/src/used.ts': '',
      'app/src/unused.ts': '',
      'lib/shared.ts': '',
      'lib/unused.json': '',
      'package.json': '{}',
      'tsconfig.base.json': '{}',
      'lib/tsconfig.json': '{ "extends": ["../tsconfig.base"] }',
      'app/node_modules/pkg/lib/main.js': '',
      'app/node_modules/pkg/lib/unused.js': '',
      'app/node_modules/pkg/package.json': '{}',
    });
    const folder = join(root, 'app');
    const { next } = await startWatch(
      t,
      folder,
      ['app/src/used.ts', 'app/src/missing.ts', 'lib/shared.ts', 'app/node_modules/pkg/lib/main.js'].map((path) =>
        join(root, path),
      ),
    );
    for (const path of [
      '.env',
      'src/used.ts',
      '../lib/shared.ts',
      '../tsconfig.base.json',
      '../lib/tsconfig.json',
      '../package.json',
      'node_modules/pkg/lib/main.js',
      'node_modules/pkg/package.json',
      '.env.local',
    ]) {
      change(folder, { [path]: '{} ' });
      assert.deepEqual(await next(), [path]);
    }
    change(folder, {
      'src/unused.ts': '//',
      '../lib/unused.json': '{} ',
      'node_modules/pkg/lib/unused.js': '//',
      'src/missing.ts': '//',
    });
    assert.deepEqual(await next(), ['src/*', 'src/missing.ts']);
    await rm(join(root, 'lib'), { recursive: true });
    while (!(await next()).includes('../lib/shared.ts'));
    change(folder, { '../lib/shared.ts': '// again' });
    while (!(await next()).includes('../lib/shared.ts'));
    change(folder, { '../lib/shared.ts': '// and again' });
    assert.deepEqual(await next(), ['../lib/shared.ts']);
  });

  it('tells of files that come, change and go where a build has looked for them by a pattern, found or not, and of nothing beside them', async (t) => {
    const folder = await makeFolder(t, {
      'cloudcode/a/index.ts':
        "export const run = () => 1;\nexport const config = { files: ['../../none/**/*.html', '../../(odd)'] };",
      'cloudcode.config.ts': "export default { files: ['data/*.csv', 'list.txt', 'data/deep'] };",
      'cloudcode/a/page.txt': '',
      'data/one.csv': '1',
      'data/deep/x.bin': '',
      'list.txt': '',
      '.gitignore': '',
    });
    const read: string[] = [];
    onFileRead((path) => read.push(path));
    await assert.rejects(buildProject(folder), { code: 'invalid_task_config' });
    const { next } = await startWatch(t, folder, read);
    const steps: readonly (readonly [change: () => void, told: readonly string[]])[] = [
      [() => change(folder, { 'data/two.csv': '' }), ['data/*.csv', 'data/two.csv']],
      [() => change(folder, { 'data/one.csv': '10' }), ['data/one.csv']],
      [() => change(folder, { 'data/other.txt': '', 'data/.env.csv': '', 'list.txt': 'x' }), ['list.txt']],
      [() => change(folder, { 'data/deep/y.bin': '' }), ['data/deep', 'data/deep/y.bin']],
      [() => change(folder, { '.gitignore': '*.html' }), ['.gitignore']],
      [() => unlinkSync(join(folder, 'data/two.csv')), ['data/*.csv', 'data/two.csv']],
    ];
    for (const [make, told] of steps) {
      make();
      assert.deepEqual(await next(), told);
    }
    for (const path of ['none/here/x.html', '(odd)/x']) {
      change(folder, { [path]: '' });
      // Its folder comes before it.
      while (!(await next()).includes(path));
    }
  });

  it('settles once everything that has changed was told', async (t) => {
    const folder = await makeFolder(t, files);
    let over = 0;
    const started = await watch(folder, async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      over += 1;
      return [];
    });
    t.after(() => started.close());
    for (const count of [1, 2]) {
      change(folder, { 'cloudcode/a/index.ts': `// ${count}` });
      await started.settle();
      assert.equal(over, count);
    }
    await started.settle();
    assert.equal(over, 2);
  });

  for (const [limit, code] of [
    ['max_inotify_watches', 'ENOSPC'],
    ['max_inotify_instances', 'EMFILE'],
  ] as const) {
    it(
      `goes on by looking when the system has no watches left (${code}), and says so once`,
      { skip: canLimit() ? false : 'needs a user namespace of its own' },
      async (t) => {
        const folder = await makeFolder(t, files);
        const child = spawn(
          'unshare',
          [
            '-Ur',
            'sh',
            '-c',
            `echo 0 > /proc/sys/user/${limit}; exec "$0" --no-warnings "$1" "$2"`,
            process.execPath,
            join(import.meta.dirname, 'watch-in-child.ts'),
            folder,
          ],
          { stdio: ['ignore', 'pipe', 'inherit'] },
        );
        t.after(() => child.kill('SIGKILL'));
        const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
        const line = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
        assert.deepEqual(await line(), { blind: code });
        assert.deepEqual(await line(), { ready: true });
        for (const text of ['// 1', '// 2']) {
          change(folder, { 'cloudcode/a/index.ts': text });
          assert.deepEqual(await line(), { files: ['cloudcode/a/index.ts'] });
        }
      },
    );
  }

  it('tells of many changes at once in one call', async (t) => {
    const folder = await makeFolder(t, files);
    const { next, told } = await startWatch(t, folder);
    change(folder, Object.fromEntries(Array.from({ length: 20 }, (_, number) => [`cloudcode/a/${number}.ts`, ''])));
    assert.equal((await next()).filter((file) => file.endsWith('.ts')).length, 20);
    assert.equal(told.length, 0);
  });

  it('does not wake up for what tasks and tools write', async (t) => {
    const folder = await makeFolder(t, {
      ...files,
      '.cloudcode/x': '',
      '.git/x': '',
      'node_modules/x': '',
      'cloudcode/node_modules/x/x': '',
    });
    const { next } = await startWatch(t, folder);
    const noise = [
      '.cloudcode/x',
      '.envrc',
      '.git/x',
      'node_modules/x',
      'cloudcode/node_modules/x/x',
      'results.json',
      'cloudcode-env.d.ts',
      'data/big.csv',
    ];
    change(folder, Object.fromEntries(noise.map((path) => [path, 'changed'])));
    change(folder, { 'package.json': '{ "name": "x" }' });
    assert.deepEqual(await next(), ['package.json']);
  });

  it('never calls again while a call is under way, and loses no change meanwhile', async (t) => {
    const folder = await makeFolder(t, files);
    const entered = Promise.withResolvers<undefined>();
    const release = Promise.withResolvers<undefined>();
    const second = Promise.withResolvers<readonly string[]>();
    let calls = 0;
    let atOnce = 0;
    let isOutdated = (): void => undefined;
    const outdatedBy = new Promise<void>((resolve) => (isOutdated = resolve));
    const started = await watch(folder, async (changed, { outdated }) => {
      calls += 1;
      atOnce += 1;
      assert.equal(atOnce, 1);
      if (calls === 1) {
        outdated.addEventListener('abort', isOutdated);
        entered.resolve(undefined);
        await release.promise;
        assert.equal(outdated.aborted, true);
      } else second.resolve(changed);
      atOnce -= 1;
      return [];
    });
    t.after(() => started.close());
    change(folder, { 'cloudcode/a/index.ts': '//' });
    await entered.promise;
    change(folder, { 'cloudcode/a/other.ts': '//' });
    await outdatedBy;
    release.resolve(undefined);
    assert.deepEqual(await second.promise, ['cloudcode/a/other.ts']);
  });

  it('tells of a change before it is quiet, and says when it is, or that something else has changed', async (t) => {
    const folder = await makeFolder(t, files);
    const told: unknown[] = [];
    const started = await watch(folder, async (changed, { quiet, outdated }) => {
      if (told.length === 0) change(folder, { 'cloudcode/a/index.ts': '// the rest of it' });
      await quiet;
      told.push([changed, outdated.aborted]);
      return [];
    });
    change(folder, { 'cloudcode/a/index.ts': '// half' });
    await started.settle();
    await started.close();
    assert.deepEqual(told, [
      [['cloudcode/a/index.ts'], true],
      [['cloudcode/a/index.ts'], false],
    ]);
  });

  it('settles only when what has changed meanwhile is met too', async (t) => {
    const folder = await makeFolder(t, files);
    let met = '';
    const started = await watch(folder, async (changed, { quiet, outdated }) => {
      if (met === '') change(folder, { 'cloudcode/b/index.ts': '' });
      met = changed.join(' ');
      await quiet;
      if (outdated.aborted) met += ' outdated';
      return [];
    });
    change(folder, { 'cloudcode/a/index.ts': '//' });
    await started.settle();
    await started.close();
    assert.match(met, /cloudcode\/b\/index.ts$/);
  });

  it('is silent once closed', async (t) => {
    const folder = await makeFolder(t, files);
    const { watch, told } = await startWatch(t, folder);
    change(folder, { 'cloudcode/a/index.ts': '//' });
    await watch.close();
    const before = told.length;
    change(folder, { 'cloudcode/a/index.ts': '// again' });
    // Another watch that has told of a later change shows that the first had its time.
    const other = await startWatch(t, folder);
    change(folder, { 'cloudcode/a/index.ts': '// and again' });
    await other.next();
    assert.equal(told.length, before);
  });
});
