import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFinal, type Run } from '../../src/engine/core/run.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { retryWhileAway } from '../../src/engine/store/retry.ts';
import { cloudcode } from '../cli/cloudcode.ts';
import { freePort, makePostgresServer } from '../support/postgres-server.ts';
import { until } from '../support/runtime.ts';
import { openStage, type Stage } from '../support/stage.ts';

const tasks = {
  asks: `
    export async function run({ waitMs }: { waitMs: number }) {
      console.log('ready');
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      return (await CloudCode.scheduleTask({ task: 'nothing' })).id;
    }`,
  nothing: 'export async function run() {}',
};

test(
  'of several hosts in the URL the primary is used: from the start on, and after a failover from one to the other',
  { timeout: 180_000 },
  async () => {
    const [nobody, primaryPort, standbyPort] = [await freePort(), await freePort(), await freePort()];
    await using primary = makePostgresServer({ port: primaryPort });
    await primary.start();
    await primary.stop();
    await using standby = primary.makeStandby({ port: standbyPort });
    await primary.start({ synchronous_standby_names: 'standby' });
    await standby.start({ primary_conninfo: `${primary.connectionInfo} application_name=standby` });
    await until(15_000, 'the standby is synchronous', async () => {
      const [row] = await primary.query('select sync_state from pg_stat_replication');
      return row?.['sync_state'] === 'sync' ? true : null;
    });
    const url = `postgres://cloudcode:secret@127.0.0.1:${nobody},127.0.0.1:${standbyPort},127.0.0.1:${primaryPort}/postgres?target_session_attrs=read-write`;

    await using stage = await openStage(tasks, { url });
    await stage.start();
    const asks = await scheduleRun(stage.store, 'testing', { task: 'asks', parameters: { waitMs: 3000 } });
    await until(20_000, 'it is ready', () => hasPrinted(stage, asks.id));
    await primary.kill();
    await standby.query('select pg_promote()');
    const before = await ended(stage, asks.id);
    assert.equal(before.state, 'succeeded');
    // What it scheduled, and what is scheduled from outside.
    const after = await retryWhileAway(() => scheduleRun(stage.store, 'testing', { task: 'nothing' }), { ms: 20_000 });
    for (const id of [before.result as string, after.id]) assert.equal((await ended(stage, id)).state, 'succeeded');
  },
);

test(
  'of hosts none of which is a primary it is told what is wrong with each, and of one that is a standby as well',
  { timeout: 120_000 },
  async () => {
    const [nobody, standbyPort] = [await freePort(), await freePort()];
    await using primary = makePostgresServer();
    await using standby = primary.makeStandby({ port: standbyPort });
    await standby.start();
    for (const [hosts, told] of [
      [`127.0.0.1:${standbyPort}`, /takes no writes: it is a standby[\s\S]*database_unreachable[\s\S]*host1,host2/],
      [
        `127.0.0.1:${nobody},127.0.0.1:${standbyPort}`,
        new RegExp(
          `None of the hosts.*127.0.0.1:${nobody}: .*ECONNREFUSED.*; 127.0.0.1:${standbyPort}: it is a standby[\\s\\S]*database_unreachable`,
        ),
      ],
    ] as const) {
      const finished = await cloudcode(['runs', '--database', `postgres://cloudcode:secret@${hosts}/postgres`]);
      assert.equal(finished.status, 5, finished.stderr);
      assert.match(finished.stderr, told);
      assert.doesNotMatch(finished.stderr, /internal|^ +at /m);
    }
  },
);

async function hasPrinted({ store }: Stage, runId: string): Promise<true | null> {
  const rows = await store.query({
    name: '',
    text: `select 1 as found from cloudcode.log_lines where run_id = '${runId}' and message = 'ready'`,
  });
  return rows.length > 0 ? true : null;
}

function ended({ store }: Stage, id: string): Promise<Run> {
  return until(60_000, `run ${id} is finished`, async () => {
    const now = await getRun(store, 'testing', id).catch(() => null);
    return now !== null && isFinal(now.state) ? now : null;
  });
}
