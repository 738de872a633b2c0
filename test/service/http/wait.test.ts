import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../../src/engine/core/run.ts';
import { createServer } from '../../../src/service/http/create-server.ts';
import { until } from '../../support/runtime.ts';
import { testStore, type TestStore } from '../../support/store.ts';

describe('HTTP: GET runs/{id}?wait', { timeout: 60_000 }, () => {
  let base: TestStore;
  const asked: string[] = [];
  const serve = () => {
    const store = {
      ...base.store,
      query: ((statement) => {
        asked.push(statement.name);
        return base.store.query(statement);
      }) satisfies TestStore['store']['query'],
    };
    return createServer({ store, log: () => undefined });
  };
  let server: ReturnType<typeof serve>;
  let url = '';
  const start = async (): Promise<void> => {
    server = serve();
    await server.listen({ host: '127.0.0.1', port: 0 });
    url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}/api/v1/environments/testing/runs`;
  };
  before(async () => {
    base = await testStore();
    await start();
  });
  after(async () => {
    await server.close();
    await base[Symbol.asyncDispose]();
  });

  const schedule = async (): Promise<Run> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body: '{"task":"noop"}' });
    return (await response.json()) as Run;
  };
  const wait = async (id: string, seconds: number | string, signal?: AbortSignal) => {
    const began = performance.now();
    const response = await fetch(`${url}/${id}?wait=${seconds}`, signal === undefined ? {} : { signal });
    const body = (await response.json()) as Run & { readonly code?: string };
    return { status: response.status, body, ms: performance.now() - began };
  };
  const countLooks = (): number => asked.filter((name) => name === 'read_changed').length;
  const untilLooked = (times = 1) => {
    const before = countLooks();
    return until(10_000, 'the server asks for the runs that are waited for', async () =>
      countLooks() >= before + times ? true : null,
    );
  };
  const finishAll = async (): Promise<void> => {
    for (let claimed = await base.claim(); claimed.length > 0; claimed = await base.claim())
      for (const run of claimed) await base.finish(run, 'returned');
  };

  it('answers when the run is finished', async () => {
    const { id } = await schedule();
    const waiting = wait(id, 30);
    await untilLooked(3);
    await finishAll();
    const { status, body, ms } = await waiting;
    assert.equal(status, 200);
    assert.equal(body.state, 'succeeded');
    assert.equal(body.attempts.length, 1);
    assert.ok(ms < 20_000, `${ms} ms`);
    assert.ok((await wait(id, 30)).ms < 20_000);
  });

  it('answers after so many seconds with the run as it is', async () => {
    const { id } = await schedule();
    const { status, body, ms } = await wait(id, 1);
    assert.equal(status, 200);
    assert.equal(body.state, 'queued');
    assert.ok(ms >= 950, `${ms} ms`);
    assert.equal((await wait(id, 0)).body.state, 'queued');
  });

  it('refuses at once what it cannot wait for', async () => {
    const { id } = await schedule();
    for (const seconds of ['61', '-1', '1.5', 'x', '', '1&wait=2']) {
      const { status, body } = await wait(id, seconds);
      assert.deepEqual({ status, code: body.code }, { status: 422, code: 'invalid_filter' }, seconds);
    }
    for (const unknown of ['01a208ee-080e-731a-8b08-5ce50cedec48', 'x'])
      assert.equal((await wait(unknown, 30)).body.code, 'run_not_found');
  });

  it('a hundred who wait cost the database no more than one', async () => {
    const looksIn = async (clients: number): Promise<number> => {
      const runs = await Promise.all(Array.from({ length: clients }, schedule));
      const before = countLooks();
      const answers = await Promise.all(runs.map(({ id }) => wait(id, 2)));
      assert.ok(answers.every(({ body }) => body.state === 'queued'));
      return countLooks() - before;
    };
    const [one, hundred] = [await looksIn(1), await looksIn(100)];
    // They come one after the other, and each begins with short pauses.
    assert.ok(one > 0 && hundred <= one * 3, `${one} statements for one, ${hundred} for a hundred`);
  });

  it('a hundred are all answered when their runs are finished', async () => {
    const runs = await Promise.all(Array.from({ length: 100 }, schedule));
    const waiting = runs.map(({ id }) => wait(id, 30));
    await untilLooked();
    await finishAll();
    for (const { body } of await Promise.all(waiting)) assert.equal(body.state, 'succeeded');
  });

  it('nothing is asked any more when those who waited have gone', async () => {
    const { id } = await schedule();
    const leaving = new AbortController();
    const waiting = wait(id, 30, leaving.signal);
    await untilLooked();
    leaving.abort();
    await assert.rejects(waiting);
    // Somebody else waits, is answered, and nobody is left.
    await until(10_000, 'the server asks no more', async () => {
      const before = countLooks();
      await wait('x', 1);
      await new Promise((resolve) => setTimeout(resolve, 600));
      return countLooks() === before ? true : null;
    });
  });

  it('a server that closes answers at once', async () => {
    const { id } = await schedule();
    const waiting = wait(id, 30);
    await untilLooked();
    const began = performance.now();
    await server.close();
    const closedMs = performance.now() - began;
    const { status, body, ms } = await waiting;
    assert.equal(status, 200);
    assert.equal(body.state, 'queued');
    assert.ok(ms < 20_000, `${ms} ms`);
    assert.ok(closedMs < 4_500, `closed in ${closedMs} ms`);
    await start();
  });
});
