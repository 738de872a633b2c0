import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { platform } from 'node:process';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bootTimeMs } from '../../../../src/engine/runner/containment/boot-clock.ts';
import { openContainment } from '../../../../src/engine/runner/containment/open-containment.ts';
import { startGuard } from '../../../../src/engine/runner/containment/start-guard.ts';
import { noMoreFiles } from '../../../support/no-more-files.ts';
import { exitOf, isAlive, newToken, pidsWith, startWaitingShell, until } from './processes.ts';

/** The worker and its child. */
const processes = 2;
const fixture = fileURLToPath(new URL('../../../fixtures/containment/runner.ts', import.meta.url));

const reasons = { cgroup: await reasonToSkip('cgroup'), scan: await reasonToSkip('scan') };

describe(
  'a guard that is asked, or cannot do what it should',
  { skip: platform === 'linux' ? false : 'needs Linux' },
  () => {
    for (const mechanism of ['cgroup', 'scan'] as const) {
      it(
        `ends a worker that its runner fails to end, and no other (${mechanism})`,
        { skip: reasons[mechanism] },
        async () => {
          await using held = await hold(mechanism);
          const [one, other] = [await held.start(), await held.start()];
          held.guard.killWorker({ workerId: one.workerId, cgroupPath: one.cgroupPath });
          await until(() => pidsWith(one.token).length === 0, 'the worker is gone');
          assert.equal(pidsWith(other.token).length, processes);
        },
      );
    }

    it('promise 1: does not say that it has ended the workers while it cannot look for them (EMFILE), and tries again until it can', async () => {
      await using held = await hold('scan');
      const worker = await held.start();
      using files = noMoreFiles(held.guard.pid ?? 0);
      await held.guard.hold(bootTimeMs());
      await until(() => held.log.length >= 1, 'it has failed');
      let isHeld = false;
      const holding = held.guard.hold(bootTimeMs() + 60_000).then(() => (isHeld = true));
      const failures = held.log.length;
      await until(() => held.log.length >= failures + 2, 'it has failed twice more');
      assert.match(held.log[0] ?? '', /could not end a worker yet: EMFILE/);
      assert.equal(isHeld, false);
      files.allow();
      await holding;
      assert.deepEqual(pidsWith(worker.token), []);
    });

    it('promise 5: outlives its runner until it can look for the workers, and ends them', async () => {
      const token = newToken();
      const runner = spawn(process.execPath, [fixture, randomUUID(), token], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { PATH: process.env['PATH'], CLOUDCODE_CONTAINMENT: 'scan' },
      });
      const [line] = (await once(createInterface(runner.stdout), 'line')) as [string];
      const { guard } = JSON.parse(line) as { readonly guard: number };
      // Three workers, each with two children; and the runner itself.
      await until(() => pidsWith(token).length === 10, 'all processes of the workers');
      using files = noMoreFiles(guard);
      runner.kill('SIGKILL');
      await exitOf(runner);
      await until(() => !awaitsInput(guard), 'the guard has seen the end of its runner');
      assert.ok(isAlive(guard));
      assert.equal(pidsWith(token).length, 9);
      files.allow();
      await until(() => pidsWith(token).length === 0, 'the workers are gone');
      await until(() => !isAlive(guard), 'the guard ends too');
    });
  },
);

/** Whether a process still waits for its standard input, as the kernel tells of what it polls. */
function awaitsInput(pid: number): boolean {
  const folder = `/proc/${pid}/fdinfo`;
  return readdirSync(folder).some((file) => /^tfd:\s+0 /m.test(readFileSync(join(folder, file), 'utf8')));
}

async function hold(mechanism: 'cgroup' | 'scan') {
  const runnerId = randomUUID();
  const containment = await withSetting(mechanism, () => openContainment({ runnerId }));
  const log: string[] = [];
  const guard = await startGuard({ runnerId, cgroupPath: containment.cgroupPath, log: (message) => log.push(message) });
  const containers: { killAll(): Promise<unknown>; close(): void }[] = [];
  return {
    guard,
    log,
    /** A worker that does not want to end, with a child in a session of its own. */
    async start() {
      const token = newToken();
      const shell = startWaitingShell({
        runnerId,
        token,
        script: `trap '' TERM INT HUP; setsid sh -c 'while :; do :; done' "$0" & while :; do :; done`,
      });
      const container = containment.contain(shell.workerId, shell.pid);
      containers.push(container);
      await container.ready;
      shell.go();
      await until(() => pidsWith(token).length === processes, 'the worker and its child');
      // The first worker of a containment is in the first folder.
      const cgroupPath =
        containment.cgroupPath === null ? null : join(containment.cgroupPath, `worker-${containers.length}`);
      return { token, workerId: shell.workerId, cgroupPath };
    },
    async [Symbol.asyncDispose]() {
      for (const container of containers) {
        await container.killAll();
        container.close();
      }
      await guard.stop();
      containment.close();
    },
  };
}

async function withSetting<Result>(mechanism: string, action: () => Promise<Result>): Promise<Result> {
  process.env['CLOUDCODE_CONTAINMENT'] = mechanism;
  try {
    return await action();
  } finally {
    delete process.env['CLOUDCODE_CONTAINMENT'];
  }
}

async function reasonToSkip(mechanism: string): Promise<string | false> {
  try {
    (await withSetting(mechanism, () => openContainment({ runnerId: randomUUID() }))).close();
    return false;
  } catch (error) {
    return (error as Error).message;
  }
}
