import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { postmasterPid, stopPostmaster } from '../../../../src/engine/store/embedded/server-process.ts';
import {
  type EmbeddedServer,
  startEmbeddedServer,
} from '../../../../src/engine/store/embedded/start-embedded-server.ts';
import { ask, isGone, isRoot, newFolder, root } from './project-folders.ts';

const socketFolderOf = ({ url }: EmbeddedServer): string => decodeURIComponent(/host=([^&]*)/.exec(url)?.[1] ?? '');

async function stopOrphan(folder: string): Promise<void> {
  const pid = postmasterPid(folder) ?? 0;
  await stopPostmaster(folder, 10_000);
  assert.ok(isGone(pid));
}

test('a folder with spaces and umlauts: the server starts, keeps data, stops when it is released, and starts again', async () => {
  const folder = newFolder();
  let pid: number;
  {
    await using server = await startEmbeddedServer({ folder });
    pid = server.postmasterPid;
    assert.equal(server.startedHere, true);
    await ask(server.url, 'create table kept as select 42 as n');
    assert.equal(await ask(server.url, "select current_setting('fsync') as answer"), 'on');
    assert.equal(await ask(server.url, "select current_setting('listen_addresses') as answer"), '');
  }
  assert.ok(isGone(pid), 'it is stopped');
  await using again = await startEmbeddedServer({ folder });
  assert.equal(await ask(again.url, 'select n as answer from kept'), 42);
});

test('a path too long for a socket works, and its socket elsewhere is for its user only', async () => {
  const folder = newFolder(`long ${'x'.repeat(150)}`);
  const server = await startEmbeddedServer({ folder });
  assert.equal(await ask(server.url, 'select 1 as answer'), 1);
  const socketFolder = socketFolderOf(server);
  assert.ok(!socketFolder.startsWith(folder));
  assert.equal(statSync(socketFolder).mode & 0o077, 0);
  await server.release();
  rmSync(socketFolder, { recursive: true });
});

test('a path with commas, quotes and percent signs works', async () => {
  await using server = await startEmbeddedServer({ folder: newFolder(`a, "b" 'c' %41`) });
  assert.equal(await ask(server.url, 'select 1 as answer'), 1);
});

test('a copy of a project whose server runs gets a server of its own, with the data as they were copied', async () => {
  const folder = newFolder('original');
  await using original = await startEmbeddedServer({ folder });
  await ask(original.url, 'create table kept as select 42 as n');
  await ask(original.url, 'checkpoint');
  execFileSync('cp', ['-a', join(root, 'original'), join(root, 'copy')]);
  await using copy = await startEmbeddedServer({ folder: join(root, 'copy', '.cloudcode') });
  assert.notEqual(copy.postmasterPid, original.postmasterPid);
  await ask(copy.url, 'update kept set n = 43');
  assert.equal(await ask(original.url, 'select n as answer from kept'), 42);
});

test('a moved project keeps its data', async () => {
  const folder = newFolder('before');
  const first = await startEmbeddedServer({ folder });
  await ask(first.url, 'create table kept as select 42 as n');
  await first.release();
  renameSync(join(root, 'before'), join(root, 'after'));
  await using server = await startEmbeddedServer({ folder: join(root, 'after', '.cloudcode') });
  assert.equal(await ask(server.url, 'select n as answer from kept'), 42);
  assert.ok(!existsSync(join(root, 'before')));
});

test('data whose password was lost are one clear error', async () => {
  const folder = newFolder();
  await (await startEmbeddedServer({ folder })).release();
  const settings = join(folder, 'postgres.json');
  rmSync(settings);
  await assert.rejects(startEmbeddedServer({ folder }), {
    code: 'embedded_failed',
    message: /The password in .* is not that of the data/,
  });
  writeFileSync(settings, '');
  await assert.rejects(startEmbeddedServer({ folder }), { code: 'embedded_failed', message: /holds no password/ });
  await stopOrphan(folder);
});

test('nobody else comes in: the password is needed and its file is for its owner only', async () => {
  const folder = newFolder();
  await using server = await startEmbeddedServer({ folder });
  const wrong = server.url.replace(/cloudcode:[^@]*@/, 'cloudcode:wrong@');
  await assert.rejects(ask(wrong, 'select 1 as answer'), { code: '28P01' });
  assert.equal(statSync(join(folder, 'postgres.json')).mode & 0o077, 0);
});

test('data of another major version is refused and left alone', async () => {
  const folder = newFolder();
  await (await startEmbeddedServer({ folder })).release();
  const version = join(folder, 'postgres', 'PG_VERSION');
  writeFileSync(version, '12\n');
  await assert.rejects(startEmbeddedServer({ folder }), {
    code: 'embedded_other_version',
    message: /made by PostgreSQL 12; the embedded one is PostgreSQL \d+/,
  });
  assert.equal(readFileSync(version, 'utf8'), '12\n');
});

test('no PostgreSQL where CLOUDCODE_POSTGRES_BIN points: one clear error', async () => {
  process.env['CLOUDCODE_POSTGRES_BIN'] = '/nowhere';
  try {
    await assert.rejects(startEmbeddedServer({ folder: newFolder() }), {
      code: 'embedded_unsupported',
      message: /CLOUDCODE_POSTGRES_BIN is \/nowhere/,
    });
  } finally {
    delete process.env['CLOUDCODE_POSTGRES_BIN'];
  }
});

function fillDisk(path: string): void {
  const { status } = spawnSync('dd', ['if=/dev/zero', `of=${path}`, 'bs=4k', 'count=100000'], { stdio: 'ignore' });
  assert.notEqual(status, 0, 'the disk is full');
}

test(
  'a full disk is one clear error with the server’s own words',
  { skip: !isRoot && 'not root: cannot mount' },
  async () => {
    const disk = join(root, 'small disk');
    mkdirSync(disk);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]);
    if (mounted.status !== 0) return;
    try {
      await assert.rejects(startEmbeddedServer({ folder: join(disk, '.cloudcode') }), {
        code: 'embedded_failed',
        message: /No space left on device/,
      });
      assert.ok(!existsSync(join(disk, '.cloudcode', 'postgres')), 'nothing half made is left');
      execFileSync('mount', ['-o', 'remount,size=200m', disk]);
      await (await startEmbeddedServer({ folder: join(disk, '.cloudcode') })).release();
      fillDisk(join(disk, 'rest'));
      await assert.rejects(startEmbeddedServer({ folder: join(disk, '.cloudcode') }), {
        code: 'embedded_failed',
        message: /No space left on device/,
      });
      rmSync(join(disk, 'rest'));
      await (await startEmbeddedServer({ folder: join(disk, '.cloudcode') })).release();
    } finally {
      spawnSync('umount', [disk]);
    }
  },
);
