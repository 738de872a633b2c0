import assert from 'node:assert/strict';
import { chmod, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CloudCodeError } from '../../src/engine/core/errors.ts';
import { folderHasher } from '../../src/contents/hash-folder.ts';
import { makeFolder } from './make-folder.ts';
import { find, findAll, type Given, index, link, paths, projectWith } from './find-in-folder.ts';

describe('the files in the folder of a task travel with it', () => {
  it('all but what is built, secrets, packages, and what git ignores', async (t) => {
    const folder = await projectWith(
      t,
      'cloudcode/job/mail.html',
      'cloudcode/job/deep/data.wasm',
      'cloudcode/job/.hidden',
      'cloudcode/job/.env',
      'cloudcode/job/deep/.env.local',
      'cloudcode/job/node_modules/x/index.js',
      'cloudcode/job/helper.ts',
      'cloudcode/job/out/big.bin',
      'cloudcode/job/deep/kept.log',
      'cloudcode/job/deep/other.log',
      'cloudcode/job/deep/.cloudcode/x',
      'cloudcode/_shared/note.txt',
      'notes.txt',
    );
    await writeFile(join(folder, '.gitignore'), '*.log\n/cloudcode/job/out/\n');
    await writeFile(join(folder, 'cloudcode/job/deep/.gitignore'), '!kept.log\n.gitignore\n');
    assert.deepEqual(await paths(folder, { built: [index, 'cloudcode/job/helper.ts'] }), [
      'cloudcode/job/.hidden',
      'cloudcode/job/deep/data.wasm',
      'cloudcode/job/deep/kept.log',
      'cloudcode/job/mail.html',
    ]);
  });

  it('by the rules of the whole repository, unless those ignore the folder itself', async (t) => {
    const root = await makeFolder(t, {
      '.git/info/exclude': 'excluded.txt\n',
      '.gitignore': '*.tmp\n/apps/scratch/\n',
      ...Object.fromEntries(
        ['jobs', 'scratch'].flatMap((name) =>
          ['index.ts', 'a.tmp', 'a.txt', 'excluded.txt'].map((file) => [`apps/${name}/cloudcode/job/${file}`, 'x']),
        ),
      ),
    });
    assert.deepEqual(await paths(join(root, 'apps/jobs')), ['cloudcode/job/a.txt']);
    assert.deepEqual(await paths(join(root, 'apps/scratch')), [
      'cloudcode/job/a.tmp',
      'cloudcode/job/a.txt',
      'cloudcode/job/excluded.txt',
    ]);
  });

  it('nothing but code: there is none', async (t) => {
    assert.equal(await find(await projectWith(t, 'package.json', 'README.md')), null);
  });

  it('with code that is not built goes the package.json that says what kind of code it is', async (t) => {
    const folder = await projectWith(
      t,
      'package.json',
      'cloudcode/job/plugins/a.js',
      'cloudcode/job/plugins/package.json',
      'other/package.json',
    );
    assert.deepEqual(await paths(folder), [
      'cloudcode/job/plugins/a.js',
      'cloudcode/job/plugins/package.json',
      'package.json',
    ]);
  });

  it('links count as what they lead to in the project; one that leads out of it is refused, but for code', async (t) => {
    const root = await makeFolder(t, {
      'outside/lib/code.ts': '',
      'outside/data.txt': '',
      'project/cloudcode/job/index.ts': '',
      'project/templates/a.html': 'a',
    });
    const folder = join(root, 'project');
    await link(folder, 'cloudcode/job/templates', '../../templates');
    await link(folder, 'cloudcode/job/circle', '..');
    await link(folder, 'cloudcode/job/lib', '../../../outside/lib');
    assert.deepEqual(await paths(folder, { built: [index, '../outside/lib/code.ts'] }), [
      'cloudcode/job/templates/a.html',
    ]);
    assert.deepEqual((await findAll(folder, { built: [index, '../outside/lib/code.ts'] })).outside, [
      join(root, 'outside/lib'),
    ]);
    await link(folder, 'cloudcode/job/data.txt', '../../../outside/data.txt');
    await assert.rejects(find(folder, { built: [index, '../outside/lib/code.ts'] }), (error) => {
      assert.ok(error instanceof CloudCodeError);
      assert.equal(error.code, 'invalid_task');
      assert.ok(
        error.message.startsWith(
          `cloudcode/job/data.txt is a link out of the project, to ${join(root, 'outside/data.txt')}`,
        ),
      );
      return true;
    });
  });
});

describe('the folder of a task may itself be a link', () => {
  it('its files travel to where it is and to where it leads: code looks in either', async (t) => {
    const folder = await makeFolder(t, { 'jobs/real/index.ts': '', 'jobs/real/mail.html': '' });
    await link(folder, 'cloudcode/job', '../jobs/real');
    assert.deepEqual(await paths(folder, { built: ['jobs/real/index.ts'] }), [
      'cloudcode/job/mail.html',
      'jobs/real/mail.html',
    ]);
  });
});

describe('what git ignores stays, unless it is named', () => {
  it('without a repository, the .gitignore files of the project count', async (t) => {
    const folder = await projectWith(
      t,
      'cloudcode/job/a.txt',
      'cloudcode/job/a.tmp',
      'cloudcode/job/deep/b.tmp',
      'cloudcode/job/deep/c.txt',
    );
    await writeFile(join(folder, '.gitignore'), '\ufeff*.tmp\r\n');
    await writeFile(join(folder, 'cloudcode/job/deep/.gitignore'), '*\n!b.tmp\n');
    assert.deepEqual(await paths(folder), ['cloudcode/job/a.txt', 'cloudcode/job/deep/b.tmp']);
    assert.deepEqual(await paths(folder, { ofTask: ['*.tmp'] }), [
      'cloudcode/job/a.tmp',
      'cloudcode/job/a.txt',
      'cloudcode/job/deep/b.tmp',
    ]);
  });

  it('in a worktree, the exclude file of its repository', async (t) => {
    const root = await makeFolder(t, {
      'main/.git/info/exclude': '*.tmp\n',
      'main/.git/worktrees/tree/commondir': '../..\n',
      ...Object.fromEntries(['index.ts', 'a.txt', 'a.tmp'].map((file) => [`tree/cloudcode/job/${file}`, 'x'])),
    });
    await writeFile(join(root, 'tree/.git'), `gitdir: ${join(root, 'main/.git/worktrees/tree')}\n`);
    assert.deepEqual(await paths(join(root, 'tree')), ['cloudcode/job/a.txt']);
  });
});

describe('files are measured before they are deployed', () => {
  it('above the limit they are refused, and the largest are named; nothing of them is read', async (t) => {
    const folder = await projectWith(t, 'cloudcode/job/small.txt', 'cloudcode/job/large.bin', 'data/larger.bin');
    await truncate(join(folder, 'cloudcode/job/large.bin'), 40_000_000);
    await truncate(join(folder, 'data/larger.bin'), 70_000_000);
    assert.deepEqual(await paths(folder), ['cloudcode/job/large.bin', 'cloudcode/job/small.txt']);
    const refusal = (error: unknown): true => {
      assert.ok(error instanceof CloudCodeError);
      assert.equal(error.code, 'files_too_large');
      assert.match(
        error.message,
        /110\.0 MB, and a deployment may have 100 MB of them\.\nThe largest of 3:\n +70\.0 MB {2}data\/larger\.bin\n +40\.0 MB {2}cloudcode\/job\/large\.bin\n/,
      );
      assert.match(error.hint ?? '', /git ignore.*maxFilesMb/);
      return true;
    };
    await assert.rejects(find(folder, { files: ['data'] }), refusal);
    assert.equal((await paths(folder, { files: ['data'], maxMb: 111 })).length, 3);
  });
});

describe('the files that `files` names travel too', () => {
  it('patterns and folders, relative to where they stand, also what git ignores or what is built; not what is taken out again', async (t) => {
    const folder = await projectWith(
      t,
      'templates/a.html',
      'templates/deep/.b.html',
      'templates/deep/.env',
      'data/1.csv',
      'data/2.csv',
      'data/raw/3.csv',
      'proto/[id].proto',
      'cloudcode/_shared/util.ts',
      'cloudcode/_shared/x.wasm',
    );
    await writeFile(join(folder, '.gitignore'), 'data/\n');
    assert.deepEqual(
      await paths(folder, { files: ['templates/', 'data/*.csv', '!data/2.csv', './proto/[id].proto'] }),
      ['data/1.csv', 'proto/[id].proto', 'templates/a.html', 'templates/deep/.b.html'],
    );
    assert.deepEqual(await paths(folder, { files: ['data/**', '!data/raw'] }), ['data/1.csv', 'data/2.csv']);
    assert.deepEqual(await paths(folder, { files: ['**/*.{html,proto}'] }), [
      'proto/[id].proto',
      'templates/a.html',
      'templates/deep/.b.html',
    ]);
    assert.deepEqual(
      await paths(folder, {
        ofTask: ['../_shared/**', '../../templates/a.html'],
        built: [index, 'cloudcode/_shared/util.ts'],
      }),
      ['cloudcode/_shared/util.ts', 'cloudcode/_shared/x.wasm', 'templates/a.html'],
    );
  });

  it('a pattern that matches nothing or leads out of the project is refused with its name; all at once', async (t) => {
    const root = await makeFolder(t, {
      'outside/x.txt': '',
      'project/cloudcode/job/index.ts': '',
      'project/.env': '',
      'project/cloudcode.config.mjs': '',
      'project/node_modules/a/x.txt': '',
    });
    const folder = join(root, 'project');
    await link(folder, 'linked', '../outside');
    await link(folder, 'some/linked.txt', '../../outside/x.txt');
    const wrong: readonly (readonly [Given, RegExp])[] = [
      [
        { files: ['templates/*.html'] },
        /^cloudcode\.config\.mjs: `files\[0\]` is "templates\/\*\.html"; it matches no file\.$/,
      ],
      [{ files: ['.env'] }, /"\.env"; it matches no file\.$/],
      [{ files: ['node_modules/a/*'] }, /it matches no file\.$/],
      [{ files: ['../outside/x.txt'] }, /"\.\.\/outside\/x\.txt"; it leads out of the project\.$/],
      [{ files: ['/etc/hosts'] }, /it leads out of the project\.$/],
      [{ files: ['linked/**'] }, /it leads out of the project, to .*outside\.$/],
      [{ files: ['some/**'] }, /it leads out of the project: some\/linked\.txt is a link to .*x\.txt\.$/],
      [{ files: ['cloudcode', '!../x'] }, /`files\[1\]` is "!\.\.\/x"; it leads out of the project\.$/],
      [
        { ofTask: ['../../../x'] },
        /^cloudcode\/job\/index\.ts: `files\[0\]` is "\.\.\/\.\.\/\.\.\/x"; it leads out of the project\.$/,
      ],
    ];
    for (const [given, message] of wrong) {
      await assert.rejects(find(folder, given), (error) => {
        assert.ok(error instanceof CloudCodeError);
        assert.equal(error.code, given.ofTask === undefined ? 'invalid_config' : 'invalid_task_config');
        assert.match(error.message, message);
        assert.ok(error.hint !== undefined);
        return true;
      });
    }
    await assert.rejects(find(folder, { files: ['x', 'y'], ofTask: ['z'] }), /3 things are wrong[^]*"x"[^]*"y"[^]*"z"/);
  });
});

describe('a run has the files that were there when it was deployed', () => {
  it('another content, mode or name is another hash, also when the last one is remembered', async (t) => {
    const folder = await projectWith(t, 'cloudcode/job/a.txt');
    const cache = join(folder, '.cloudcode');
    const seen = new Set<string>();
    const look = async (): Promise<void> => {
      const kept = await find(folder, { cache });
      assert.ok(kept !== null);
      assert.equal((await find(folder, { cache }))?.hash, kept.hash);
      const hasher = folderHasher();
      for (const file of kept.files) {
        hasher.beginFile(file);
        hasher.update(await readFile(join(kept.source, file.path)));
      }
      assert.equal(hasher.digest(), kept.hash);
      seen.add(kept.hash);
    };
    await look();
    await writeFile(join(folder, 'cloudcode/job/a.txt'), 'cloudcode/job/A.txt');
    await look();
    await chmod(join(folder, 'cloudcode/job/a.txt'), 0o755);
    await look();
    await writeFile(join(folder, 'cloudcode/job/b.txt'), '');
    await look();
    assert.equal(seen.size, 4);
  });
});
