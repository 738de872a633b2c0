import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { env, platform } from 'node:process';
import { it } from 'node:test';
import { openContainment } from '../../../../src/engine/runner/containment/open-containment.ts';
import { fillDescriptors } from '../../../support/fill-descriptors.ts';
import { isAlive, until } from './processes.ts';

for (const mechanism of ['cgroup', 'scan'] as const) {
  it(
    `promise 1: processes are not taken for gone while no file can be opened to look for them (${mechanism})`,
    { skip: await reasonToSkip(mechanism), timeout: 30_000 },
    async () => {
      const runnerId = randomUUID();
      const workerId = randomUUID();
      const unkilled: unknown[] = [];
      const containment = await withSetting(mechanism, () =>
        openContainment({
          runnerId,
          onUnkilled: (worker, error) => unkilled.push([worker.workerId, (error as NodeJS.ErrnoException).code]),
        }),
      );
      const child = spawn('sh', ['-c', 'read go; sleep 60 & wait'], {
        detached: true,
        stdio: ['pipe', 'ignore', 'ignore'],
        env: { ...env, CLOUDCODE_RUNNER: runnerId, CLOUDCODE_ATTEMPT: workerId },
      });
      const pid = child.pid ?? 0;
      const container = containment.contain(workerId, pid);
      await container.ready;
      child.stdin.write('go\n');
      await until(() => container.pids().length === 2, 'the worker has a child');
      const giveBack = fillDescriptors();
      let fullLooks = 0;
      await until(() => {
        fullLooks = giveBack.again() === 0 ? fullLooks + 1 : 0;
        return fullLooks === 20;
      }, 'nothing closes a file any more');
      let isGone = false;
      const killing = container.killAll().then((gone) => {
        isGone = true;
        return gone;
      });
      try {
        await until(() => {
          giveBack.again();
          return unkilled.length >= 2;
        }, 'the kill has failed twice');
        assert.deepEqual(unkilled[0], [workerId, 'EMFILE']);
        assert.equal(isGone, false);
        assert.equal(containment.unproven(), 1);
      } finally {
        giveBack();
      }
      assert.equal((await killing).because, 'ended');
      assert.equal(containment.unproven(), 0);
      assert.ok(!isAlive(pid));
      container.close();
      containment.close();
    },
  );
}

async function withSetting<Result>(mechanism: string, action: () => Promise<Result>): Promise<Result> {
  const before = env['CLOUDCODE_CONTAINMENT'];
  env['CLOUDCODE_CONTAINMENT'] = mechanism;
  try {
    return await action();
  } finally {
    if (before === undefined) delete env['CLOUDCODE_CONTAINMENT'];
    else env['CLOUDCODE_CONTAINMENT'] = before;
  }
}

async function reasonToSkip(mechanism: string): Promise<string | false> {
  if (platform !== 'linux') return 'needs Linux';
  try {
    (await withSetting(mechanism, () => openContainment({ runnerId: randomUUID() }))).close();
    return false;
  } catch (error) {
    return (error as Error).message;
  }
}
