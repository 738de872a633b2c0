import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { followLogs } from '../../../src/client/backend.ts';
import { httpBackend } from '../../../src/client/http-backend.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { insertLogLines } from '../../../src/engine/store/end-attempt.ts';
import type { ClaimedRun } from '../../../src/engine/store/claim-runs.ts';
import { createServer } from '../../../src/service/http/create-server.ts';
import { until } from '../../support/runtime.ts';
import { testStore, type TestStore } from '../../support/store.ts';

const streams = 100;

describe('HTTP: many who follow runs', { timeout: 120_000 }, () => {
  let base: TestStore;
  const asked: string[] = [];
  let server: ReturnType<typeof createServer>;
  let url = '';
  before(async () => {
    base = await testStore();
    const store = {
      ...base.store,
      query: ((statement) => {
        asked.push(statement.name);
        return base.store.query(statement);
      }) satisfies TestStore['store']['query'],
    };
    server = createServer({ store, log: () => undefined });
    await server.listen({ host: '127.0.0.1', port: 0 });
    url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  });
  after(async () => {
    await server.close();
    await base[Symbol.asyncDispose]();
  });

  const startRuns = async (count: number): Promise<readonly ClaimedRun[]> => {
    for (let number = 0; number < count; number += 1) await scheduleRun(base.store, 'testing', { task: 'noop' });
    return base.claim(count);
  };
  /** @returns the messages that each has got, and what resolves when all have come to the end */
  const follow = (runs: readonly ClaimedRun[]) => {
    const backend = httpBackend({ url, environment: 'testing' });
    const got = runs.map((): string[] => []);
    const ended = Promise.all(
      runs.map(async ({ id }, index) => {
        for await (const { message } of followLogs(backend, id, AbortSignal.timeout(60_000))) got[index]?.push(message);
      }),
    );
    return { got, ended };
  };
  const print = (run: ClaimedRun, number: number) =>
    insertLogLines(base.store, { runId: run.id, fence: run.fence, number: run.attempt }, [
      { number, at: new Date().toISOString(), level: 'info', message: `line ${number}` },
    ]);
  const countDuring = async (ms: number): Promise<number> => {
    const before = asked.length;
    await sleep(ms);
    return asked.length - before;
  };

  it('cost the database no more than one while nothing happens, whichever runs they are', async () => {
    const runs = await startRuns(streams);
    const alone = follow(runs.slice(0, 1));
    await until(10_000, 'one follows', () => asked.includes('read_changed') || null);
    await sleep(2000);
    const ofOne = await countDuring(2000);
    const others = follow(runs.slice(1));
    await until(
      20_000,
      'all follow',
      () => asked.filter((name) => name === 'read_log_lines').length >= streams || null,
    );
    await sleep(2000);
    const ofAll = await countDuring(2000);
    // As many looks, but for one that falls into the time or out of it.
    assert.ok(ofAll <= ofOne + 2, `${ofOne} statements of one, ${ofAll} of ${streams}`);
    for (const run of runs) await base.finish(run, 'returned');
    await Promise.all([alone.ended, others.ended]);
  });

  it('of one run get every line once, by statements that they share', async () => {
    const [run] = await startRuns(1);
    assert.ok(run !== undefined);
    // An id may be written in capitals as well.
    const capitals = { ...run, id: run.id.toUpperCase() };
    const { got, ended } = follow(Array.from({ length: streams }, (_, place) => (place === 0 ? capitals : run)));
    await print(run, 1);
    await until(20_000, 'all have the first line', () => got.every(({ length }) => length === 1) || null);
    const before = asked.length;
    for (let number = 2; number <= 6; number += 1) {
      await print(run, number);
      await until(20_000, 'all have the next', () => got.every(({ length }) => length === number) || null);
    }
    const statements = asked.length - before;
    assert.ok(statements < 5 * streams, `${statements} statements for 5 lines to ${streams}`);
    await base.finish(run, 'returned');
    await ended;
    for (const messages of got)
      assert.deepEqual(
        messages,
        [1, 2, 3, 4, 5, 6].map((number) => `line ${number}`),
      );
  });
});
