import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { execPath, getuid, pid, platform } from 'node:process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compileNative } from '../../../../src/engine/runner/compile-native.ts';
import { readStat } from '../../../../src/engine/runner/containment/proc-files.ts';
import {
  loadNativeSpawner,
  type NativeSpawner,
  type Program,
} from '../../../../src/engine/runner/spawn/native-spawner.ts';
import { spawnSources } from '../../../../src/engine/runner/spawn/open-native-spawning.ts';
import { tryNativeSpawner } from '../../../../src/engine/runner/spawn/try-native-spawner.ts';
import type { WorkerExit } from '../../../../src/engine/runner/worker-exit.ts';
import { spawnWorker } from '../../../../src/engine/runner/spawn-worker.ts';
import { textOf } from '../../../support/text-of.ts';

const run = promisify(execFile);
const fixture = fileURLToPath(new URL('../../../fixtures/spawn/start-without.ts', import.meta.url));

/** Of its own: the limit counts the processes of a user, not of a program. */
const user = 64_915;

describe('the native part that starts workers', { skip: platform === 'linux' ? false : 'needs Linux' }, () => {
  let folder = '';
  let file = '';
  let native: NativeSpawner;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cloudcode-test spawn '));
    chmodSync(folder, 0o777);
    file = await compileNative(folder, spawnSources);
    native = loadNativeSpawner(file);
    await tryNativeSpawner(native);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const shell = (script: string, more: Partial<Program> = {}) =>
    native.spawn({ file: '/bin/sh', arguments: ['-c', script], environment: {}, folder: '/', ...more });

  it('gives a worker what Node gives it: parent, session, signals, files, limits, environment and folder', async () => {
    const facts = `
      const fs = require('node:fs');
      const [, state, ppid, group, session] = /\\) (\\S) (\\d+) (\\d+) (\\d+)/.exec(fs.readFileSync('/proc/self/stat', 'latin1'));
      const own = (id) => (Number(id) === process.pid ? 'own' : id);
      const status = fs.readFileSync('/proc/self/status', 'latin1').split('\\n');
      const names = ['Umask', 'Uid', 'Gid', 'Groups', 'SigBlk', 'SigIgn', 'SigCgt', 'CapEff', 'NoNewPrivs', 'Seccomp', 'Cpus_allowed', 'TracerPid'];
      // What Node opens is for both the same; a name that has a number differs.
      const files = fs.readdirSync('/proc/self/fd').map((fd) => { try { return fd + ' ' + fs.readlinkSync('/proc/self/fd/' + fd).replace(/\\d+/g, ''); } catch { return ''; } });
      const flags = [0, 1, 2, 3].map((fd) => fs.readFileSync('/proc/self/fdinfo/' + fd, 'latin1').split('\\n')[1]);
      console.log(JSON.stringify({
        ppid, group: own(group), session: own(session), files, flags,
        // glibc's posix_spawn leaves its own signal 32 ignored, which it handles anew where a thread is cancelled.
        status: status.map((line) => line.replace(/^(SigIgn:\\t0{8})8/, '$10')).filter((line) => names.includes(line.split(':')[0])),
        limits: fs.readFileSync('/proc/self/limits', 'latin1'),
        nice: require('node:os').getPriority(),
        oom: fs.readFileSync('/proc/self/oom_score_adj', 'latin1'),
        cgroup: fs.readFileSync('/proc/self/cgroup', 'latin1'),
        cwd: process.cwd(), environ: fs.readFileSync('/proc/self/environ', 'latin1'), env: process.env, argv: process.argv, execArgv: process.execArgv,
      }));`;
    const program = join(folder, 'facts.cjs');
    writeFileSync(program, facts);
    const environment = { PATH: process.env['PATH'] ?? '', EMPTY: '', WITH: 'a=b\nc', Ä: 'ö€😀' };
    const given = { arguments: ['--max-old-space-size=64', program, 'a b', '', 'ü'], environment, folder };
    const child = native.spawn({ file: execPath, ...given });
    const told = JSON.parse(await textOf(child.stdout)) as Record<string, unknown>;
    const byNode = spawn(execPath, given.arguments, {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env: environment,
      cwd: folder,
      detached: true,
    });
    const expected = JSON.parse(await textOf(byNode.stdout as Readable)) as Record<string, unknown>;
    assert.deepEqual(told, expected);
    assert.deepEqual([told['ppid'], told['session'], told['group']], [String(pid), 'own', 'own']);
    assert.deepEqual(await child.closed, { code: 0, signal: null });
  });

  it('starts a worker that says that it waits, and ends when its channel does', async () => {
    const worker = await spawnWorker({
      runnerId: 'a',
      workerId: 'b',
      memoryMb: 64,
      startVariables: '{"NODE_NO_WARNINGS":"1"}',
      folder,
      compiled: [],
      native,
    });
    const [first] = (await once(worker.channel, 'data')) as [Buffer];
    assert.match(first.toString('latin1'), /"waiting"/);
    worker.channel.end();
    assert.deepEqual(await worker.closed, { code: 0, signal: null });
  });

  it('tells of each of 300 processes how it has ended, beside those that Node starts, and leaves no file and no zombie', async () => {
    const files = openFiles();
    const ends: Promise<[WorkerExit, WorkerExit]>[] = [];
    for (let number = 0; number < 300; number += 1) {
      const signal = ([null, 'SIGKILL', 'SIGTERM', 'SIGSEGV'] as const)[number % 4] ?? null;
      const code = number % 256;
      const script = signal === null ? `exit ${code}` : `kill -${signal.slice(3)} $$`;
      const expected: WorkerExit = signal === null ? { code, signal: null } : { code: null, signal };
      if (number % 3 === 0) {
        const child = spawn('/bin/sh', ['-c', script], { stdio: 'ignore', detached: true });
        const end = new Promise<WorkerExit>((resolve) =>
          child.once('exit', (code, signal) => resolve({ code, signal })),
        );
        ends.push(end.then((exit) => [exit, expected]));
      } else {
        const child = shell(script);
        ends.push(child.exited.then((exit) => [exit, expected]));
        ends.push(child.closed.then((exit) => [exit, expected]));
      }
      if (number % 20 === 0) await Promise.all(ends);
    }
    for (const [exit, expected] of await Promise.all(ends)) assert.deepEqual(exit, expected);
    assert.deepEqual(openFiles(), files);
    const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && readStat(Number(name))?.ppid === pid);
    assert.deepEqual(children, []);
  });

  it('reads to the end what a process has written to which nobody listened', async () => {
    const child = shell('head -c 100000 /dev/zero; echo over >&2');
    assert.deepEqual(await child.closed, { code: 0, signal: null });
  });

  it('says with the code of the system what cannot be started, and leaves no file', () => {
    const files = openFiles();
    const program = { arguments: [], environment: {}, folder: '/' };
    const missing = join(folder, 'missing');
    assert.throws(() => native.spawn({ ...program, file: missing }), {
      code: 'ENOENT',
      message: `spawn ${missing} ENOENT`,
    });
    assert.throws(() => native.spawn({ ...program, file: '/bin/sh', folder: missing }), { code: 'ENOENT' });
    assert.throws(() => native.spawn({ ...program, file: folder }), { code: 'EACCES' });
    assert.throws(() => native.spawn({ ...program, file: '/bin/sh', arguments: ['x'.repeat(1 << 22)] }), {
      code: 'E2BIG',
    });
    assert.deepEqual(openFiles(), files);
  });

  it('keeps its process until the child has ended, as Node does', async () => {
    const { stdout } = await run(execPath, [fixture, 'nothing', file], { timeout: 60_000 });
    assert.equal(stdout, 'ended with 3\n');
  });

  it('refuses when no more files may be opened, at whatever step that is, and leaves none (EMFILE)', async () => {
    const { stdout, stderr } = await run(execPath, [fixture, 'files', file], { timeout: 60_000 });
    assert.equal(stderr, '');
    assert.ok(Number(stdout) >= 6, stdout); // six ends of sockets
  });

  it(
    'refuses when its user may have no more processes (EAGAIN)',
    { skip: getuid?.() === 0 ? false : 'needs root, to act as a user with a limit' },
    async () => {
      const asUser = [`--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--inh-caps=-all'];
      const { stdout, stderr } = await run('setpriv', [...asUser, execPath, fixture, 'processes', file], {
        timeout: 60_000,
      });
      assert.deepEqual([stdout, stderr], ['EAGAIN\n', '']);
    },
  );
});

function openFiles(): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      return []; // the folder itself
    }
  });
}
