import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isFinal } from '../../src/engine/core/run.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { openStore } from '../../src/engine/store/open-store.ts';
import { isUnreachable } from '../../src/engine/store/store-error.ts';
import { installCertificate, makeAuthority } from '../support/certificates.ts';
import { freePort, makePostgresServer } from '../support/postgres-server.ts';
import { until } from '../support/runtime.ts';
import { openStage } from '../support/stage.ts';

const tasks = {
  asks: `
    export async function run() {
      console.log('ready');
      await new Promise((resolve) => setTimeout(resolve, 2000));
      return Promise.all([CloudCode.scheduleTask({ task: 'nothing' }), CloudCode.scheduleTasks([{ task: 'nothing' }, { task: 'nothing' }])]);
    }`,
  nothing: 'export async function run() {}',
};

for (const { what, spoil } of [
  { what: 'shows a certificate that is not trusted', spoil: 'certificate' },
  { what: 'cancels every statement', spoil: 'cancel' },
  { what: 'refuses the password', spoil: 'password' },
] as const) {
  test(
    `a server that ${what} for 4 s counts as away: what a task asks for is done when that is over`,
    { timeout: 120_000 },
    async () => {
      using authority = makeAuthority();
      using other = makeAuthority();
      const port = await freePort();
      await using server = makePostgresServer({ port });
      const good = authority.sign('DNS:localhost');
      installCertificate(server.dataFolder, good);
      await server.start({ ssl: 'on' });
      await server.query("create role worker login superuser password 'x'");
      const url = `postgres://worker:x@localhost:${port}/postgres?sslmode=verify-full&sslrootcert=${authority.path}`;
      await using stage = await openStage(tasks, { url: server.url });
      await stage.start({ url, leaseMs: 60_000 });
      const { id } = await scheduleRun(stage.store, 'testing', { task: 'asks' });
      await until(20_000, 'it is ready', async () => {
        const rows = await stage.store.query({
          name: '',
          text: `select from cloudcode.log_lines where run_id = '${id}' and message = 'ready'`,
        });
        return rows.length > 0 ? true : null;
      });
      const ofRunner = "from pg_stat_activity where usename = 'worker'";
      if (spoil === 'certificate') installCertificate(server.dataFolder, other.sign('DNS:localhost'));
      if (spoil === 'password') await server.query("alter role worker password 'y'");
      await server.query('select pg_reload_conf()');
      const end = performance.now() + 4000;
      if (spoil === 'cancel') {
        while (performance.now() < end)
          await server.query(`select pg_cancel_backend(pid) ${ofRunner} and state = 'active'`);
      } else {
        await until(10_000, 'new connections are refused', () =>
          openStore({ url }).then(
            (store) => store.close().then(() => null),
            (error: unknown) => (isUnreachable(error) ? true : null),
          ),
        );
        await server.query(`select pg_terminate_backend(pid) ${ofRunner}`);
        await delay(Math.max(0, end - performance.now()));
      }
      installCertificate(server.dataFolder, good);
      await server.query("alter role worker password 'x'");
      await server.query('select pg_reload_conf()');
      const run = await until(60_000, 'it is over', async () => {
        const now = await getRun(stage.store, 'testing', id);
        return isFinal(now.state) ? now : null;
      });
      assert.equal(run.state, 'succeeded', JSON.stringify(run.error));
      assert.equal(run.attempts.length, 1);
      assert.deepEqual(
        await stage.store.query({
          name: '',
          text: "select count(*)::integer as count from cloudcode.runs where task = 'nothing'",
        }),
        [{ count: 3 }],
      );
    },
  );
}
