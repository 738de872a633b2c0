import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openProxy, type Proxy } from '../../src/chaos/proxy/open-proxy.ts';
import { databaseServer } from '../../src/engine/store/database-url.ts';
import { openSession, type Session } from '../../src/engine/store/open-session.ts';
import { testDatabaseUrl, type TestDatabase } from '../support/postgres.ts';
import { until } from '../support/runtime.ts';

describe('the proxy between a runner and its database', { timeout: 60_000 }, () => {
  let database: TestDatabase;
  let proxy: Proxy;
  let direct: Session;
  let url: string;

  before(async () => {
    database = await testDatabaseUrl();
    const server = databaseServer(database.url);
    proxy = await openProxy(server.connect);
    url = server.throughPort(proxy.port);
    direct = await openSession(database.url);
    await direct.query({ name: '', text: 'create table kept (value integer)' });
  });
  after(async () => {
    await direct[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    await database.dispose();
  });

  const insert = (session: Session, value: number): Promise<unknown> =>
    session.query({ name: 'insert_value', text: 'insert into kept values ($1)', values: [value] });
  const isKept = async (value: number): Promise<true | null> => {
    const rows = await direct.query({ name: 'is_kept', text: 'select from kept where value = $1', values: [value] });
    return rows.length > 0 ? true : null;
  };

  it("passes everything on, and knows the server's processes", async () => {
    await using session = await openSession(url);
    const [row] = await session.query<{ text: string }>({ name: '', text: "select repeat('x', 3000000) as text" });
    assert.equal(row?.text.length, 3_000_000);
    assert.ok(proxy.backendPids().includes(session.backendPid));
  });

  it('loses the answer to a statement that the database has carried out', async () => {
    await using session = await openSession(url);
    const before = proxy.lost();
    proxy.loseAnswers(['insert_value'], 1);
    await assert.rejects(insert(session, 1), { code: 'database_unreachable' });
    assert.equal(await isKept(1), true);
    assert.equal(proxy.lost(), before + 1);
    await using next = await openSession(url);
    await insert(next, 2);
  });

  it('cuts connections, and lets new ones through', async () => {
    await using session = await openSession(url);
    const sleeping = assert.rejects(session.query({ name: '', text: 'select pg_sleep(60)' }), {
      code: 'database_unreachable',
    });
    proxy.cut();
    await sleeping;
    await using next = await openSession(url);
    await insert(next, 3);
  });

  it('swallows what is sent until it is healed, which ends the connections', async () => {
    await using session = await openSession(url);
    proxy.swallow(true);
    const inserting = assert.rejects(insert(session, 4), { code: 'database_unreachable' });
    proxy.swallow(false);
    await inserting;
    assert.equal(await isKept(4), null);
  });

  it('passes on later what is slowed down, in order', async () => {
    await using session = await openSession(url);
    proxy.slowDown(100);
    const startedAt = performance.now();
    const answers = Promise.all([10, 11, 12].map((value) => insert(session, value)));
    await answers;
    assert.ok(performance.now() - startedAt >= 190, 'once to the database and once back at least');
    proxy.slowDown(0);
    await until(10_000, 'all are kept', async () =>
      (await isKept(10)) === true && (await isKept(12)) === true ? true : null,
    );
  });
});
