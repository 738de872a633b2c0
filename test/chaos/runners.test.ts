import assert from 'node:assert/strict';
import { kill } from 'node:process';
import { after, before, describe, it } from 'node:test';
import { openProxy, type Proxy } from '../../src/chaos/proxy/open-proxy.ts';
import { type CampaignRunner, campaignRunner } from '../../src/chaos/processes/start-runners.ts';
import { makeScratchFolder, type ScratchFolder } from '../../src/chaos/scratch/scratch-folder.ts';
import { databaseServer } from '../../src/engine/store/database-url.ts';
import { testDatabaseUrl, type TestDatabase } from '../support/postgres.ts';
import { until } from '../support/runtime.ts';

describe("a campaign's runner", { timeout: 120_000 }, () => {
  let database: TestDatabase;
  let scratch: ScratchFolder;
  let proxy: Proxy;
  let runner: CampaignRunner;

  before(async () => {
    database = await testDatabaseUrl();
    scratch = await makeScratchFolder();
    const server = databaseServer(database.url);
    proxy = await openProxy(server.connect);
    runner = campaignRunner(
      {
        number: 0,
        proxy,
        concurrency: 1,
        leaseMs: 3000,
        databaseUrl: server.throughPort(proxy.port),
        project: scratch.project,
        logFile: scratch.logOf(0),
        clockFile: scratch.clockOf(0),
      },
      new AbortController().signal,
    );
  });
  after(async () => {
    runner.signal('SIGKILL');
    await runner.ended(0);
    await proxy[Symbol.asyncDispose]();
    scratch.remove();
    await database.dispose();
  });

  it('has not started while it only says that the database is away, and is started again until it works', async () => {
    proxy.swallow(true);
    let hasStarted = false;
    const starting = runner.start().then(() => (hasStarted = true));
    const first = await until(30_000, 'a first try', () => runner.pid());
    await until(30_000, 'the end of the first try', () => (runner.pid() === first ? null : true));
    assert.equal(hasStarted, false);
    proxy.swallow(false);
    await starting;
    assert.notEqual(runner.pid(), null);
    assert.deepEqual(runner.endedByItself, []);
  });

  it('that a fault ends has not ended by itself', async () => {
    runner.signal('SIGTERM');
    await runner.ended(30_000);
    await runner.start();
    assert.deepEqual(runner.endedByItself, []);
  });

  it('that ends although no fault has ended it is remembered', async () => {
    runner.signal('SIGSTOP');
    runner.signal('SIGCONT');
    kill(runner.pid() ?? 0, 'SIGABRT');
    await until(10_000, 'its end', () => (runner.pid() === null ? true : null));
    assert.deepEqual(runner.endedByItself, ['SIGABRT']);
  });
});
