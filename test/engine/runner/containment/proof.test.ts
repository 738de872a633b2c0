import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath, getuid, platform } from 'node:process';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isPopulated } from '../../../../src/engine/runner/containment/cgroup-folder.ts';
import { endLeftovers } from '../../../../src/engine/runner/containment/end-leftovers.ts';
import { endOwned } from '../../../../src/engine/runner/containment/end-owned.ts';
import { openContainment } from '../../../../src/engine/runner/containment/open-containment.ts';
import type { Scan } from '../../../../src/engine/runner/containment/process-table.ts';
import { isAlive as isAliveByStat, readStat } from '../../../../src/engine/runner/containment/proc-files.ts';
import { isKnownDead, ownProcessIdentity } from '../../../../src/engine/runner/process-identity.ts';
import { fillDescriptors } from '../../../support/fill-descriptors.ts';
import { exitOf, isAlive, newToken, pidsWith, startWaitingShell, until } from './processes.ts';

const run = promisify(execFile);
const fixture = fileURLToPath(new URL('../../../fixtures/containment/strange-machine.ts', import.meta.url));
const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];
const mountHiding = 'mount -t proc -o hidepid=2 proc /proc && exec "$@"';

const folder = mkdtempSync(join(tmpdir(), 'cloudcode-proof-'));
chmodSync(folder, 0o777);
after(() => rmSync(folder, { recursive: true, force: true }));

// Asked before any test runs: one of them lets no file be opened.
const noMounts = await reasonForNoMounts();

/** Runs a case of the fixture; `inside`: commands that come before it. */
async function runCase(
  inside: readonly string[],
  name: string,
  given: { readonly token?: string; readonly argument?: string; readonly mechanism?: 'cgroup' | 'scan' } = {},
): Promise<unknown> {
  const { token = newToken(), argument = '', mechanism = 'scan' } = given;
  const words: readonly string[] = [...inside, execPath, fixture, name, token, argument];
  const [command = '', ...rest] = words;
  const { stdout } = await run(command, rest, {
    timeout: 40_000,
    env: { PATH: process.env['PATH'], CLOUDCODE_CONTAINMENT: mechanism },
  });
  return JSON.parse(stdout.split('\n')[0] ?? '');
}

describe(
  'promise 1: nothing but the word of the kernel proves that a process is gone',
  { skip: platform === 'linux' ? false : 'needs Linux' },
  () => {
    it('a runner is not known to be dead while no file can be opened to look for it (EMFILE)', () => {
      const identity = ownProcessIdentity();
      assert.equal(isKnownDead(identity), false);
      const giveBack = fillDescriptors();
      try {
        assert.equal(isKnownDead(identity), false);
      } finally {
        giveBack();
      }
    });

    it('a worker that could not be looked at when it started is given no run, and is waited for', async () => {
      const unkilled: unknown[] = [];
      const { runnerId, token } = { runnerId: randomUUID(), token: newToken() };
      process.env['CLOUDCODE_CONTAINMENT'] = 'scan';
      const containment = await openContainment({ runnerId, onUnkilled: (_worker, error) => unkilled.push(error) });
      delete process.env['CLOUDCODE_CONTAINMENT'];
      const shell = startWaitingShell({ runnerId, token, script: 'sleep 300' });
      const giveBack = fillDescriptors();
      const container = containment.contain(shell.workerId, shell.pid);
      const killing = container.killAll();
      try {
        await assert.rejects(container.ready, /EMFILE/);
        await until(() => unkilled.length >= 2, 'the kill has failed twice');
      } finally {
        giveBack();
      }
      await killing;
      assert.ok(!isAlive(shell.pid));
      container.close();
    });

    it(
      'a process whose first thread has ended lives as long as another thread does',
      { skip: spawnSync('cc', ['--version']).status === 0 ? false : 'needs a C compiler' },
      async () => {
        const [source, program] = [join(folder, 'threads.c'), join(folder, 'threads')];
        writeFileSync(
          source,
          '#include <pthread.h>\n#include <unistd.h>\nstatic void *stay(void *none) { sleep(300); return none; }\nint main(void) { pthread_t t; pthread_create(&t, 0, stay, 0); pthread_exit(0); }\n',
        );
        await run('cc', ['-pthread', '-o', program, source]);
        const child = spawn(program, { stdio: 'ignore' });
        await until(() => readStat(child.pid ?? 0)?.state === 'Z', 'its first thread has ended');
        assert.ok(isAliveByStat(readStat(child.pid ?? 0)));
        child.kill('SIGKILL');
        await exitOf(child);
      },
    );

    it('a look that missed some process is no proof, however often it is repeated', async () => {
      let scans = 0;
      await endOwned({
        owner: 'none',
        scan: () => ({ processes: [], isClear: ++scans === 30 }),
        onStuck: () => undefined,
      });
      assert.equal(scans, 30);
    });

    it('that there is no proof is told after many looks, not when time has passed in which there were few', async () => {
      let scans = 0;
      const ofMany = endOwned({
        owner: 'none',
        scan: () => ({ processes: [], isClear: ++scans > 100_000 }),
        onStuck: () => undefined,
      });
      let slowScans = 0;
      const slow = async (): Promise<Scan> => {
        await delay(550);
        return { processes: [], isClear: ++slowScans === 11 };
      };
      await Promise.all([
        assert.rejects(ofMany, /no look at the processes was whole/),
        endOwned({ owner: 'none', scan: slow, onStuck: () => undefined }),
      ]);
      assert.ok(scans > 100);
    });

    it('the proof is to be had also where others start and end all the time', async () => {
      const loops = Array.from({ length: 8 }, () =>
        spawn('timeout', ['60', 'sh', '-c', 'while :; do /bin/true; done'], { stdio: 'ignore' }),
      );
      try {
        await Promise.all(loops.map((loop) => once(loop, 'spawn')));
        await endLeftovers(randomUUID());
      } finally {
        for (const loop of loops) loop.kill('SIGTERM');
        await Promise.all(loops.map(exitOf));
      }
    });

    it('a folder that is not there is no proof where no cgroups are', () => {
      assert.throws(() => isPopulated(join(folder, 'cgroup-of-a-worker')), { code: 'ENOENT' });
      assert.throws(() => isPopulated(join(folder, 'cgroup', 'of-a-worker')), { code: 'ENOENT' });
    });
  },
);

describe(
  'promise 1 where /proc hides the processes of others (hidepid=2)',
  { skip: reasonToSkip(['unshare', '-m', 'sh', '-c', mountHiding, 'sh', 'true']) },
  () => {
    const hiding = ['unshare', '-m', 'sh', '-c', mountHiding, 'sh', ...asNobody];

    it('a runner of another user is not known to be dead while it lives; when it is dead, nobody says that its workers are gone who could not see them', async () => {
      const ended = spawn('sleep', ['300']);
      const started = readStat(ended.pid ?? 0)?.startTicks ?? 0;
      ended.kill('SIGKILL');
      await exitOf(ended);
      const living = ownProcessIdentity() ?? '';
      const [, , pid, ticks] = living.split(' ');
      const dead = living.replace(` ${pid} ${ticks} `, ` ${ended.pid} ${started} `);
      assert.deepEqual(await runCase(hiding, 'identities', { argument: JSON.stringify([living, dead]) }), [
        { isKnownDead: false, canEndWorkersOf: false },
        { isKnownDead: true, canEndWorkersOf: false },
        { isKnownDead: false, canEndWorkersOf: true },
      ]);
      assert.deepEqual(await runCase([], 'identities', { argument: JSON.stringify([dead]) }), [
        { isKnownDead: true, canEndWorkersOf: true },
        { isKnownDead: false, canEndWorkersOf: true },
      ]);
    });

    it(
      'a process of a worker that hides after it was seen is ended as the others are',
      { skip: reasonToSkip(['perl', '-e', '1']) },
      async () => {
        const token = newToken();
        assert.deepEqual(await runCase(hiding, 'hidden', { token, argument: join(folder, 'hidden') }), {
          isSeen: false,
        });
        assert.deepEqual(pidsWith(token), []);
      },
    );
  },
);

describe(
  'promise 5 where an environment may not be read',
  { skip: reasonToSkip([...asNobody, 'perl', '-e', '1']) },
  () => {
    it('a process belongs to its worker by its session, also when the leader of that has ended', async () => {
      const token = newToken();
      await runCase(asNobody, 'unreadable', { token, argument: join(folder, 'unreadable') });
      assert.deepEqual(pidsWith(token), []);
    });
  },
);

describe('promise 1 where cgroups misbehave', { skip: noMounts }, () => {
  it('processes are ended one by one where the cgroup may only be read', async () => {
    assert.deepEqual(await runCase(['unshare', '-m'], 'readOnly', { mechanism: 'cgroup' }), { left: 0, unkilled: [] });
  });

  it('a cgroup that is not to be seen, because another file system is mounted there, is not taken for an empty one', async () => {
    const { isKilled, livedMeanwhile, left } = (await runCase(['unshare', '-m'], 'covered', {
      mechanism: 'cgroup',
    })) as Record<string, unknown>;
    assert.deepEqual({ isKilled, livedMeanwhile, left }, { isKilled: false, livedMeanwhile: 2, left: 0 });
  });
});

function reasonToSkip(command: readonly string[]): string | false {
  if (platform !== 'linux' || getuid?.() !== 0) return 'needs Linux and root';
  const [program = '', ...rest] = command;
  const { status, stderr, error } = spawnSync(program, rest, { encoding: 'utf8' });
  return status === 0 ? false : `not permitted here: ${error?.message ?? stderr.trim()}`;
}

async function reasonForNoMounts(): Promise<string | false> {
  process.env['CLOUDCODE_CONTAINMENT'] = 'cgroup';
  try {
    (await openContainment({ runnerId: randomUUID() })).close();
    return reasonToSkip(['unshare', '-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']);
  } catch (error) {
    return (error as Error).message;
  } finally {
    delete process.env['CLOUDCODE_CONTAINMENT'];
  }
}
