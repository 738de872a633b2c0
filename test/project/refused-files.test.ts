import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CloudCodeError } from '../../src/engine/core/errors.ts';
import { findFiles } from '../../src/project/files/find-files.ts';
import { find, type Given, index, link, paths, projectWith } from './find-in-folder.ts';

describe('what lies in the way is left out, or refused by its name', () => {
  const refused = async (folder: string, message: RegExp, given: Given = {}): Promise<void> => {
    await assert.rejects(find(folder, given), (error) => {
      assert.ok(error instanceof CloudCodeError, String(error));
      assert.equal(error.code, 'build_failed');
      assert.match(error.message, message);
      assert.ok(error.hint !== undefined);
      return true;
    });
  };

  it('sockets and pipes are left out, also one in the place of a .gitignore', async (t) => {
    const folder = await projectWith(t, 'cloudcode/job/a.txt');
    const job = join(folder, 'cloudcode/job');
    execFileSync('mkfifo', [join(job, 'pipe'), join(job, '.gitignore')]);
    const server = createServer().listen(join(job, 'socket'));
    t.after(() => server.close());
    await link(folder, 'cloudcode/job/linked', 'pipe');
    assert.deepEqual(await paths(folder), ['cloudcode/job/a.txt']);
    await assert.rejects(find(folder, { ofTask: ['pipe'] }), /`files\[0\]` is "pipe"; it matches no file\.$/);
  });

  it('links in circles, to themselves, to nothing', async (t) => {
    const folder = await projectWith(t, 'cloudcode/job/a/1.txt', 'cloudcode/job/b/2.txt', 'cloudcode/job/c/3.txt');
    for (const [path, target] of [
      ['a/b', '../b'],
      ['b/c', '../c'],
      ['c/a', '../a'],
      ['self', 'self'],
      ['here', '.'],
      ['gone', 'nowhere'],
      ['one', 'two'],
      ['two', 'one'],
    ] as const)
      await link(folder, `cloudcode/job/${path}`, target);
    assert.deepEqual(
      await paths(folder),
      [
        'a/1.txt',
        'a/b/2.txt',
        'a/b/c/3.txt',
        'b/2.txt',
        'b/c/3.txt',
        'b/c/a/1.txt',
        'c/3.txt',
        'c/a/1.txt',
        'c/a/b/2.txt',
      ].map((path) => `cloudcode/job/${path}`),
    );
  });

  it('a link to a secret, to packages, or to what git ignores counts as that', async (t) => {
    const folder = await projectWith(
      t,
      'cloudcode/job/a.txt',
      '.env',
      '.env.d/key',
      'private/key.pem',
      'node_modules/p/x.txt',
      'shared/b.txt',
      'shared/c.log',
      'shared/.env.local',
    );
    await writeFile(join(folder, '.gitignore'), '/private/\n/shared/*.log\n');
    for (const [path, target] of [
      ['settings', '../../.env'],
      ['more', '../../.env.d'],
      ['key', '../../private/key.pem'],
      ['private', '../../private'],
      ['p', '../../node_modules/p'],
      ['shared', '../../shared'],
      ['log', '../../shared/c.log'],
    ] as const)
      await link(folder, `cloudcode/job/${path}`, target);
    assert.deepEqual(await paths(folder), ['cloudcode/job/a.txt', 'cloudcode/job/shared/b.txt']);
    await assert.rejects(find(folder, { ofTask: ['settings'] }), /it matches no file\.$/);
    assert.deepEqual(await paths(folder, { ofTask: ['key', 'shared'] }), [
      'cloudcode/job/a.txt',
      'cloudcode/job/key',
      'cloudcode/job/shared/b.txt',
      'cloudcode/job/shared/c.log',
    ]);
  });

  it('a name that is not UTF-8 is refused, unless git ignores it; any other is a name', async (t) => {
    const odd = ['a b', 'ä', '€', '\u{1f680}', 'a"b', 'a\nb', 'a\\b', '*', '[a]', '\ufffd', '...', '#x', '!y', ' '].map(
      (name) => `cloudcode/job/${name}`,
    );
    const folder = await projectWith(t, ...odd);
    assert.deepEqual(
      await paths(folder),
      odd.toSorted((left, right) => (left < right ? -1 : 1)),
    );
    await writeFile(
      Buffer.concat([Buffer.from(join(folder, 'cloudcode/job/caf')), Buffer.from([0xe9]), Buffer.from('.txt')]),
      '',
    );
    await refused(folder, /cloudcode\/job holds a name that is not UTF-8, "caf\ufffd\.txt": it cannot be deployed\.$/);
    await writeFile(join(folder, '.gitignore'), 'caf*.txt\n');
    assert.equal((await paths(folder)).length, odd.length);
  });

  it(
    'what this user may not read is refused: a file, a folder, a .gitignore',
    { skip: process.platform === 'win32' },
    async (t) => {
      const folder = await projectWith(
        t,
        'cloudcode/job/a.txt',
        'cloudcode/job/closed/b.txt',
        'cloudcode/job/.gitignore',
      );
      const close = async (path: string, message: RegExp): Promise<void> => {
        await chmod(join(folder, path), 0);
        await asOrdinaryUser(folder, () => refused(folder, message));
        await chmod(join(folder, path), 0o755);
      };
      await close('cloudcode/job/a.txt', /job\/a\.txt is part of the deployment and cannot be read: EACCES/);
      await close('cloudcode/job/closed', /job\/closed is part of the deployment and cannot be read: EACCES/);
      await close('cloudcode/job/.gitignore', /job\/\.gitignore is part of the deployment and cannot be read: EACCES/);
      await asOrdinaryUser(folder, async () => assert.equal((await paths(folder)).length, 3));
    },
  );
});

it(
  'a file that cannot be read stops the task that it belongs to, and no other',
  { skip: process.platform === 'win32' },
  async (t) => {
    const folder = await projectWith(
      t,
      'cloudcode/job/a.txt',
      'cloudcode/other/index.ts',
      'cloudcode/other/b.txt',
      'all.txt',
    );
    const code = new Set([index, 'cloudcode/other/index.ts'].map((path) => join(folder, path)));
    const tasks = [{ file: index }, { file: 'cloudcode/other/index.ts' }];
    const findOf = (files: readonly string[]) =>
      findFiles({ folder, tasks, files, built: code, inputs: code, cache: null });
    await chmod(join(folder, 'cloudcode/other/b.txt'), 0);
    await asOrdinaryUser(folder, async () => {
      const { files, errors } = await findOf([]);
      assert.equal(files, null);
      assert.deepEqual([...errors.keys()], ['cloudcode/other/index.ts']);
      assert.match(
        errors.get('cloudcode/other/index.ts')?.[0]?.message ?? '',
        /other\/b\.txt .* cannot be read: EACCES/,
      );
    });
    await chmod(join(folder, 'cloudcode/other/b.txt'), 0o644);
    await chmod(join(folder, 'all.txt'), 0);
    await asOrdinaryUser(folder, () =>
      assert.rejects(findOf(['all.txt']), /all\.txt is part of the deployment and cannot be read/),
    );
    await chmod(join(folder, 'all.txt'), 0o644);
  },
);

/** The superuser may read everything: the folder is opened for another user, and looked at as that one. */
async function asOrdinaryUser(folder: string, work: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return work();
  await chmod(folder, 0o755);
  process.seteuid?.(65_534);
  try {
    await work();
  } finally {
    process.seteuid?.(0);
  }
}
