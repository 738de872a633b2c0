import assert from 'node:assert/strict';
import { type ChildProcessByStdio, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { geteuid, kill } from 'node:process';
import type { Readable, Writable } from 'node:stream';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { isAlive, readStat } from '../../../../src/engine/runner/containment/proc-files.ts';
import { postmasterPid, stopPostmaster } from '../../../../src/engine/store/embedded/server-process.ts';
import {
  type EmbeddedServer,
  startEmbeddedServer,
} from '../../../../src/engine/store/embedded/start-embedded-server.ts';
import { until } from '../../../support/runtime.ts';

const script = fileURLToPath(new URL('../../../fixtures/embedded/main.ts', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'cloudcode-embedded-'));
// nobody must be able to come in for the tests as another user
chmodSync(root, 0o755);
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const isRoot = geteuid?.() === 0;

interface Started {
  readonly url?: string;
  readonly pid?: number;
  readonly startedHere?: boolean;
  readonly code?: string;
  readonly message?: string;
}

function newFolder(name = `project ${++folders} é`): string {
  const folder = join(root, name, '.cloudcode');
  mkdirSync(join(root, name), { recursive: true });
  return folder;
}

type Holder = ChildProcessByStdio<Writable, Readable, null>;

async function hold(folder: string, mode = 'hold'): Promise<{ child: Holder; started: Started }> {
  const child = spawn(process.execPath, [script, folder, mode], { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await until(60_000, 'it started', () => (text.includes('\n') || child.exitCode !== null ? true : null));
  return { child, started: JSON.parse(text) as Started };
}

async function letGo(child: Holder): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.stdin.end();
  await exited;
}

async function ask(url: string, text: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ answer: unknown }>(text);
  await client.end();
  return rows[0]?.answer;
}

const socketFolderOf = ({ url }: EmbeddedServer): string => decodeURIComponent(/host=([^&]*)/.exec(url)?.[1] ?? '');

async function stopOrphan(folder: string): Promise<void> {
  const pid = postmasterPid(folder) ?? 0;
  await stopPostmaster(folder, 10_000);
  assert.ok(isGone(pid));
}

const isGone = (pid: number): boolean => !isAlive(readStat(pid));

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

test('several processes share one server; the last one to leave stops it', async () => {
  const folder = newFolder();
  const first = await hold(folder);
  const second = await hold(folder);
  assert.equal(second.started.startedHere, false);
  assert.equal(second.started.pid, first.started.pid);
  await letGo(first.child);
  assert.equal(await ask(second.started.url ?? '', 'select 1 as answer'), 1);
  await letGo(second.child);
  assert.ok(isGone(first.started.pid ?? 0));
});

test('the last two to leave at the same moment stop it', async () => {
  const folder = newFolder();
  for (let round = 0; round < 5; round += 1) {
    const all = await Promise.all([1, 2, 3].map(() => startEmbeddedServer({ folder })));
    const pids = new Set(all.map((server) => server.postmasterPid));
    assert.equal(pids.size, 1);
    assert.ok(all.filter(({ startedHere }) => startedHere).length <= 1);
    await Promise.all(all.map((server) => server.release()));
    for (const pid of pids) assert.ok(isGone(pid));
  }
});

test('a client that is not one of ours keeps it running', async () => {
  const folder = newFolder();
  const server = await startEmbeddedServer({ folder });
  const client = new pg.Client({ connectionString: server.url.replace('/cloudcode?', '/postgres?') });
  await client.connect();
  await server.release();
  assert.equal((await client.query<{ n: number }>('select 1 as n')).rows[0]?.n, 1);
  await client.end();
  await using again = await startEmbeddedServer({ folder });
  assert.equal(again.startedHere, false);
});

test('starts at the same moment after a crash of the machine all work', async () => {
  const folder = newFolder();
  const first = await startEmbeddedServer({ folder });
  await ask(first.url, 'create table kept as select 42 as n');
  kill(first.postmasterPid, 'SIGKILL');
  const all = await Promise.all([hold(folder), hold(folder), hold(folder)]);
  assert.equal(
    new Set(all.map(({ started }) => started.pid)).size,
    1,
    JSON.stringify(all.map(({ started }) => started)),
  );
  assert.equal(await ask(all[0].started.url ?? '', 'select n as answer from kept'), 42);
  await Promise.all(all.map(({ child }) => letGo(child)));
  await first.release();
});

test('a Ctrl-C that hits the whole terminal ends neither the server nor its data', async () => {
  const folder = newFolder();
  const child = spawn(process.execPath, [script, folder, 'hold'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { pid } = JSON.parse(line.toString()) as Started;
  const exited = once(child, 'exit');
  kill(-(child.pid ?? 0), 'SIGINT');
  await exited;
  assert.ok(!isGone(pid ?? 0));
  await using server = await startEmbeddedServer({ folder });
  assert.equal(server.startedHere, false);
});

test('a start that was killed in the middle leaves nothing in the way', async () => {
  const folder = newFolder();
  const child = spawn(process.execPath, [script, folder], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  await until(30_000, 'it makes the data', () =>
    existsSync(folder) && readdirSync(folder).some((name) => name.startsWith('postgres.new-')) ? true : null,
  );
  child.kill('SIGKILL');
  await exited;
  await using server = await startEmbeddedServer({ folder });
  assert.equal(await ask(server.url, 'select 1 as answer'), 1);
});

test('two first starts at the same moment both work', async () => {
  const folder = newFolder();
  const both = await Promise.all([hold(folder), hold(folder), hold(folder)]);
  assert.equal(
    new Set(both.map(({ started }) => started.pid)).size,
    1,
    JSON.stringify(both.map(({ started }) => started)),
  );
  await Promise.all(both.map(({ child }) => letGo(child)));
});

test('starting while another process stops it always ends with a working server', async () => {
  const folder = newFolder();
  for (let round = 0; round < 5; round += 1) {
    const { child } = await hold(folder);
    const leaving = letGo(child);
    const server = await startEmbeddedServer({ folder });
    assert.equal(await ask(server.url, 'select 1 as answer'), 1);
    await leaving;
    assert.equal(await ask(server.url, 'select 1 as answer'), 1);
    await server.release();
  }
});

test('the server of a killed parent is joined', async () => {
  const folder = newFolder();
  const { child, started } = await hold(folder);
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  await using server = await startEmbeddedServer({ folder });
  assert.equal(server.startedHere, false);
  assert.equal(server.postmasterPid, started.pid);
});

test('a start right after the server was killed works, and nothing is lost', async () => {
  const folder = newFolder();
  const first = await startEmbeddedServer({ folder });
  await ask(first.url, 'create table kept as select 42 as n');
  kill(first.postmasterPid, 'SIGKILL');
  await using server = await startEmbeddedServer({ folder });
  assert.notEqual(server.postmasterPid, first.postmasterPid);
  assert.equal(await ask(server.url, 'select n as answer from kept'), 42);
  await first.release();
  assert.equal(await ask(server.url, 'select 1 as answer'), 1, 'one who lost his server stops nobody else’s');
});

test('a stale pid file does not stop the start, also when another program has the pid now', async () => {
  const folder = newFolder();
  for (const pid of [4_190_000, process.pid]) {
    const server: EmbeddedServer = await startEmbeddedServer({ folder });
    const path = join(folder, 'postgres', 'postmaster.pid');
    const text = readFileSync(path, 'utf8');
    await server.release();
    writeFileSync(path, text.replace(/^\d+/, String(pid)));
    await using again = await startEmbeddedServer({ folder });
    assert.equal(again.startedHere, true);
  }
});

test('pid and lock files that a power failure left empty do not stop the start', async () => {
  const folder = newFolder();
  await (await startEmbeddedServer({ folder })).release();
  const path = join(folder, 'postgres', 'postmaster.pid');
  writeFileSync(path, '');
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(path, longAgo, longAgo);
  const startedAt = performance.now();
  await using again = await startEmbeddedServer({ folder });
  assert.equal(again.startedHere, true);
  assert.ok(performance.now() - startedAt < 20_000, 'it need not wait for long');
});

test('a server that dies is started again while it is used, and stopped when it is released', async () => {
  const server = await startEmbeddedServer({ folder: newFolder() });
  await ask(server.url, 'create table kept as select 42 as n');
  kill(server.postmasterPid, 'SIGKILL');
  await until(60_000, 'it was killed', () => (isGone(server.postmasterPid) ? true : null));
  const answer = await until(60_000, 'it answers again', () =>
    ask(server.url, 'select n as answer from kept').catch(() => null),
  );
  assert.equal(answer, 42);
  const pid = postmasterPid(server.folder) ?? 0;
  assert.notEqual(pid, server.postmasterPid);
  await server.release();
  assert.ok(isGone(pid), 'it is stopped');
});

test('a server whose session was ended by an administrator is still known to be used', async () => {
  const folder = newFolder();
  await using server = await startEmbeddedServer({ folder });
  const keepers = "from pg_stat_activity where application_name = 'cloudcode keeper'";
  await ask(server.url, `select pg_terminate_backend(pid) as answer ${keepers}`);
  await until(60_000, 'it is held again', async () =>
    Number(await ask(server.url, `select count(*) as answer ${keepers} and wait_event = 'ClientRead'`)) === 1
      ? true
      : null,
  );
  await (await startEmbeddedServer({ folder })).release();
  assert.equal(await ask(server.url, 'select 1 as answer'), 1);
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
