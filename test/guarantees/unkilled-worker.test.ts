import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { platform } from 'node:process';
import { test } from 'node:test';
import { cancelRun } from '../../src/engine/operations/cancel-run.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { isAlive, readStat } from '../../src/engine/runner/containment/proc-files.ts';
import { noMoreFiles } from '../support/no-more-files.ts';
import { until } from '../support/runtime.ts';
import { openStage, type Stage } from '../support/stage.ts';

const tasks = {
  stubborn: `
    import { spawn } from 'node:child_process';
    import { renameSync, writeFileSync } from 'node:fs';
    export async function run() {
      const child = spawn('setsid', ['sh', '-c', 'trap "" TERM; while :; do sleep 1; done'], { stdio: 'ignore' });
      writeFileSync('pids.new', process.pid + ' ' + child.pid);
      renameSync('pids.new', 'pids');
      await new Promise((resolve) => setTimeout(resolve, 600_000));
    }`,
  quick: `export async function run() {}`,
};

const stateOf = async (stage: Stage, id: string): Promise<string> => (await getRun(stage.store, 'testing', id)).state;

async function lease(stage: Stage, id: string): Promise<{ readonly renewals: number; readonly hasEnded: boolean }> {
  const [row] = await stage.store.query<{ renewals: number; hasEnded: boolean }>({
    name: '',
    text: `select renewals::integer as renewals, lease_ended_at is not null as "hasEnded" from cloudcode.runners where id = '${id}'`,
  });
  assert.ok(row !== undefined);
  return row;
}

for (const containment of ['cgroup', 'scan'] as const) {
  test(
    `promise 1: a runner that cannot see whether an attempt's processes are gone keeps its run and its lease, claims nothing more, and has the guard kill them (${containment})`,
    { skip: platform === 'linux' ? false : 'needs Linux', timeout: 120_000 },
    async () => {
      await using stage = await openStage(tasks);
      const runner = await stage.start({ leaseMs: 2000, ...(containment === 'scan' ? { containment } : {}) });
      let told = '';
      runner.child.stdout?.on('data', (text: string) => (told += text));
      const heard = (event: string): Promise<true> => until(30_000, event, () => (told.includes(event) ? true : null));
      const renewedBy = async (count: number): Promise<void> => {
        const { renewals } = await lease(stage, runner.id);
        await until(30_000, 'the lease is renewed', async () =>
          (await lease(stage, runner.id)).renewals >= renewals + count ? true : null,
        );
      };
      const stubborn = await scheduleRun(stage.store, 'testing', { task: 'stubborn', queue: 'one' });
      const file = join(stage.folder, 'pids');
      await until(30_000, 'it runs', () => existsSync(file) || null);
      const pids = readFileSync(file, 'utf8').split(' ').map(Number);
      const next = await scheduleRun(stage.store, 'testing', { task: 'quick', queue: 'one' });

      using files = noMoreFiles(runner.pid);
      await cancelRun(stage.store, 'testing', stubborn.id);
      await heard('kill_failed');
      // A claim that was under way by then has come back when the runner has renewed its lease.
      await renewedBy(1);
      const other = await scheduleRun(stage.store, 'testing', { task: 'quick', queue: 'two' });
      await until(30_000, 'the guard has ended its processes', () =>
        pids.some((pid) => isAlive(readStat(pid))) ? null : true,
      );
      await renewedBy(3);
      assert.deepEqual(
        [await stateOf(stage, stubborn.id), await stateOf(stage, next.id), await stateOf(stage, other.id)],
        ['running', 'queued', 'queued'],
      );
      assert.ok(!(await lease(stage, runner.id)).hasEnded);

      files.allow();
      await heard('kill_succeeded');
      for (const { id } of [next, other])
        await until(30_000, 'the others run', async () => ((await stateOf(stage, id)) === 'succeeded' ? true : null));
      assert.equal(await stateOf(stage, stubborn.id), 'cancelled');
    },
  );
}
