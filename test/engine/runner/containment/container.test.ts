import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { platform } from 'node:process';
import { describe, it } from 'node:test';
import type { Containment } from '../../../../src/engine/runner/containment/containment.ts';
import { openContainment } from '../../../../src/engine/runner/containment/open-containment.ts';
import { exitOf, isAlive, newToken, pidsWith, startWaitingShell, until } from './processes.ts';

/** Waits in a shell of its own, with the token on its command line (`; :` keeps the shell from becoming the sleep). */
const idle = `sh -c 'sleep 300; :' "$0"`;

for (const mechanism of ['cgroup', 'scan'] as const) {
  describe(
    `promise 5, when the attempt has ended every process it left behind is gone (${mechanism})`,
    { skip: await reasonToSkip(mechanism) },
    () => {
      const hostile: Record<string, { readonly script: string; readonly processes: number }> = {
        'children in the background': { script: `${idle} & ${idle} & wait`, processes: 3 },
        'children whose parent has ended': {
          script: `${idle} & sh -c '${idle.replaceAll("'", "'\\''")} &' "$0"; exit`,
          processes: 2,
        },
        'a child in a session of its own': { script: `setsid ${idle} & wait`, processes: 2 },
        'a daemon: forked twice, in a session of its own, its parent gone': {
          script: `setsid sh -c 'setsid sh -c "sleep 300; :" "$0" &' "$0"; exit`,
          processes: 1,
        },
        'processes that ignore SIGTERM, SIGINT and SIGHUP': {
          script: `trap '' TERM INT HUP; ${idle} & wait; ${idle}`,
          processes: 2,
        },
        'a busy loop': { script: `setsid sh -c 'while :; do :; done' "$0" & while :; do :; done`, processes: 2 },
        'a stopped process': { script: `setsid sh -c 'kill -STOP $$' "$0" & wait`, processes: 2 },
        'a child that cleared its environment': { script: `env -i PATH="$PATH" setsid ${idle} & wait`, processes: 2 },
      };
      for (const [what, { script, processes }] of Object.entries(hostile)) {
        it(`ends ${what}`, async () => {
          await using held = await hold(mechanism);
          const { token, container, shell } = await held.start(script);
          await until(() => pidsWith(token).length >= processes, `${processes} processes`);
          await container.killAll();
          assert.deepEqual(pidsWith(token), []);
          assert.deepEqual(container.pids(), []);
          await exitOf(shell.child);
        });
      }

      it('ends fifty children that breed without pause', async () => {
        await using held = await hold(mechanism);
        const breed = `setsid sh -c 'i=0; while [ $i -lt 5000 ]; do sh -c : "$0"; i=$((i+1)); done' "$0" &`;
        const { token, container } = await held.start(`i=0; while [ $i -lt 50 ]; do ${breed} i=$((i+1)); done; wait`);
        await until(() => pidsWith(token).length >= 50, 'fifty children');
        await container.killAll();
        assert.deepEqual(pidsWith(token), []);
      });

      it('ends a chain of processes that each start the next one and exit', async () => {
        await using held = await hold(mechanism);
        // 20,000 links at most, so that nothing is left running for ever should it escape.
        const link = `[ $1 -lt 20000 ] && sh -c "$2" "$0" $(($1+1)) "$2" & exit`;
        const { token, container } = await held.start(`sh -c '${link}' "$0" 0 '${link}'; ${idle}`);
        await until(() => pidsWith(token).length >= 2, 'the chain');
        await container.killAll();
        assert.deepEqual(pidsWith(token), []);
      });

      it('leaves the processes of another worker alone', async () => {
        await using held = await hold(mechanism);
        const one = await held.start(`${idle} & wait`);
        const other = await held.start(`setsid ${idle} & wait`);
        await until(() => pidsWith(one.token).length === 2 && pidsWith(other.token).length === 2, 'both trees');
        await one.container.killAll();
        assert.deepEqual(pidsWith(one.token), []);
        await until(() => pidsWith(other.token).length === 2, 'both of the other live on');
      });

      it('has nothing to wait for when the worker ended by itself', async () => {
        await using held = await hold(mechanism);
        const { container, shell } = await held.start('exit 0');
        await exitOf(shell.child);
        await container.killAll();
        container.close();
        const next = await held.start(`${idle} & wait`);
        await until(() => pidsWith(next.token).length === 2, 'the next worker');
        container.close(); // again, and late calls: none of them may touch the next one
        container.signal('SIGKILL');
        await container.killAll();
        assert.deepEqual(container.pids(), []);
        await until(() => pidsWith(next.token).length === 2, 'both of the next one live on');
        await next.container.killAll();
        assert.deepEqual(pidsWith(next.token), []);
      });

      it('counts the memory of all processes', async () => {
        await using held = await hold(mechanism);
        const hog = `"${process.execPath}" -e 'globalThis.kept = Buffer.alloc(150 << 20, 1); setTimeout(() => {}, 300_000)' "$0"`;
        const { container } = await held.start(`setsid ${hog} & wait`);
        await until(() => container.memoryBytes() > 150 * 1024 * 1024, 'over 150 MB');
        assert.ok(container.memoryBytes(1) > 150 * 1024 * 1024, 'also when shared pages are counted by their share');
        assert.ok(container.memoryBytes() < 400 * 1024 * 1024);
        await container.killAll();
        assert.equal(container.memoryBytes(), 0);
      });

      it('sends a signal to every process', async () => {
        await using held = await hold(mechanism);
        const { token, container, shell } = await held.start(`setsid ${idle} & ${idle} & wait`);
        await until(() => pidsWith(token).length === 3, 'three processes');
        container.signal('SIGTERM');
        await exitOf(shell.child);
        await until(() => pidsWith(token).length === 0, 'all heed SIGTERM');
      });
    },
  );
}

describe('promise 5 against a hostile task', { skip: await reasonToSkip('cgroup') }, () => {
  it('a cgroup holds also what left its parent and session and cleared its environment', async () => {
    await using held = await hold('cgroup');
    const { token, container } = await held.start(
      `setsid env -i PATH="$PATH" sh -c 'setsid ${idle.replaceAll("'", "'\\''")} &' "$0"; exit`,
    );
    await until(() => pidsWith(token).length === 1, 'the hidden process');
    await container.killAll();
    assert.deepEqual(pidsWith(token), []);
  });
});

describe('the setting CLOUDCODE_CONTAINMENT', () => {
  it('refuses what it does not know', async () => {
    await withSetting('jail', () =>
      assert.rejects(openContainment({ runnerId: randomUUID() }), { code: 'wrong_usage' }),
    );
  });
});

async function reasonToSkip(mechanism: 'cgroup' | 'scan'): Promise<string | false> {
  if (platform !== 'linux') return 'needs Linux';
  try {
    await withSetting(mechanism, async () => (await openContainment({ runnerId: randomUUID() })).close());
    return false;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function hold(mechanism: 'cgroup' | 'scan') {
  const runnerId = randomUUID();
  const stuck: string[] = [];
  const containment: Containment = await withSetting(mechanism, () =>
    openContainment({ runnerId, log: (message) => stuck.push(message) }),
  );
  const containers: { killAll(): Promise<unknown>; close(): void }[] = [];
  return {
    async start(script: string) {
      const token = newToken();
      const shell = startWaitingShell({ runnerId, token, script });
      const container = containment.contain(shell.workerId, shell.pid);
      containers.push(container);
      await container.ready;
      assert.ok(isAlive(shell.pid));
      shell.go();
      return { token, shell, container };
    },
    async [Symbol.asyncDispose]() {
      for (const container of containers) {
        await container.killAll();
        container.close();
      }
      containment.close();
      assert.deepEqual(stuck, []);
      if (containment.cgroupPath !== null) assert.ok(!existsSync(containment.cgroupPath), 'the cgroups are removed');
    },
  };
}

async function withSetting<T>(value: string, work: () => Promise<T>): Promise<T> {
  process.env['CLOUDCODE_CONTAINMENT'] = value;
  try {
    return await work();
  } finally {
    delete process.env['CLOUDCODE_CONTAINMENT'];
  }
}
