import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startEmbeddedServer } from '../../../../src/engine/store/embedded/start-embedded-server.ts';
import { ask, isRoot, newFolder, root, script, type Started } from './project-folders.ts';

// PostgreSQL does not run as root: as whom it runs then, and who may come in.

test(
  'as root in a folder that only root can enter, a user namespace is used',
  { skip: !isRoot && 'not root' },
  async () => {
    const folder = newFolder('for root only');
    chmodSync(join(root, 'for root only'), 0o700);
    await using server = await startEmbeddedServer({ folder });
    assert.equal(await ask(server.url, 'select 1 as answer'), 1);
    assert.equal(statSync(join(folder, 'postgres')).uid, 0);
  },
);

test(
  'as root in an open folder, it runs as another user, who is the same at the next start',
  { skip: !isRoot && 'not root' },
  async () => {
    const folder = newFolder();
    await (await startEmbeddedServer({ folder })).release();
    assert.notEqual(statSync(join(folder, 'postgres')).uid, 0);
    chmodSync(join(root), 0o755);
    await using server = await startEmbeddedServer({ folder });
    assert.equal(await ask(server.url, 'select 1 as answer'), 1);
  },
);

test(
  'root in a user’s project runs it as that user, who comes without root the next time; neither needs an entry in /etc/passwd',
  { skip: !isRoot && 'not root' },
  (t) => {
    const asUser = ['--reuid=54321', '--regid=54321', '--clear-groups', process.execPath];
    if (spawnSync('setpriv', [...asUser, '--check', script], { cwd: '/' }).status !== 0)
      return t.skip('this checkout is for root only');
    const folder = newFolder('of a user');
    execFileSync('chown', ['54321:54321', join(root, 'of a user')]);
    const asRoot = JSON.parse(execFileSync(process.execPath, [script, folder], { encoding: 'utf8' })) as Started;
    assert.ok(asRoot.url !== undefined, JSON.stringify(asRoot));
    assert.equal(statSync(join(folder, 'postgres')).uid, 54321);
    const { stdout } = spawnSync('setpriv', [...asUser, script, folder], { encoding: 'utf8', cwd: '/' });
    assert.equal((JSON.parse(stdout) as Started).url, asRoot.url);
  },
);

test('data that root copied run as well', { skip: !isRoot && 'not root' }, async () => {
  const folder = newFolder('given away');
  await (await startEmbeddedServer({ folder })).release();
  execFileSync('chown', ['-R', '0:0', folder]);
  await using server = await startEmbeddedServer({ folder });
  assert.equal(await ask(server.url, 'select 1 as answer'), 1);
});

test(
  'not as root: it runs as oneself; a folder that cannot be written is one clear error',
  { skip: !isRoot && 'not root' },
  (t) => {
    const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    // A checkout in a folder that only root can enter cannot be run by anybody else.
    if (spawnSync('setpriv', [...asNobody, process.execPath, '--check', script], { cwd: '/' }).status !== 0)
      return t.skip('this checkout is for root only');
    const own = join(root, 'of nobody');
    mkdirSync(own);
    execFileSync('chown', ['65534:65534', own]);
    const start = (folder: string): Started => {
      const { stdout } = spawnSync('setpriv', [...asNobody, process.execPath, script, folder], {
        encoding: 'utf8',
        cwd: '/',
      });
      return JSON.parse(stdout) as Started;
    };
    const first = start(join(own, '.cloudcode'));
    assert.ok(first.url !== undefined, JSON.stringify(first));
    const forbidden = join(root, 'of root');
    mkdirSync(forbidden);
    assert.equal(start(join(forbidden, '.cloudcode')).code, 'embedded_failed');
  },
);
