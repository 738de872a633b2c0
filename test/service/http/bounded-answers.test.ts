import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { followLogs } from '../../../src/client/backend.ts';
import { httpBackend } from '../../../src/client/http-backend.ts';
import type { ListedRun, Run } from '../../../src/engine/core/run.ts';
import { createServer } from '../../../src/service/http/create-server.ts';
import { listRuns } from '../../../src/engine/operations/list-runs.ts';
import { pauseQueue } from '../../../src/engine/operations/pause-queue.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import type { Statement, Store } from '../../../src/engine/store/open-store.ts';
import type { AnswerOf } from '../../../src/service/api/operation.ts';
import type { queues } from '../../../src/service/api/queues.ts';
import type { runs } from '../../../src/service/api/runs.ts';
import { openApi, type Api } from './api.ts';

let api: Api;
before(async () => {
  api = await openApi();
});
after(() => api[Symbol.asyncDispose]());

const sql = (text: string): Promise<unknown> => api.base.store.query({ name: '', text });
const json = (text: string): string => `json_build_object('text', ${text})`;

/** A run that has ended as `failed` or `succeeded`, with these SQL expressions of json. */
async function endedRun({
  parameters = "'{}'",
  result = 'null',
  error = 'null',
}: {
  readonly parameters?: string;
  readonly result?: string;
  readonly error?: string;
}): Promise<Run> {
  const run = await scheduleRun(api.base.store, 'testing', { task: 'noop' });
  for (const claimed of await api.base.claim()) await api.base.finish(claimed, error === 'null' ? 'returned' : 'threw');
  await sql(
    `update cloudcode.runs set parameters = ${parameters}, result = ${result}, error = ${error} where id = '${run.id}'`,
  );
  await sql(`update cloudcode.runs set attempt_error = ${error} where id = '${run.id}'`);
  return run;
}

async function listed(run: Run): Promise<ListedRun> {
  const { body } = await api.call('GET', 'runs?limit=200');
  const found = (body as { runs: ListedRun[] }).runs.find(({ id }) => id === run.id);
  assert.ok(found !== undefined);
  return found;
}

const whole = async (run: Run): Promise<Run> => (await api.call('GET', `runs/${run.id}`)).body as Run;

/** A store that counts the characters of the rows that come from the database. */
function counting(store: Store): { readonly store: Store; readonly characters: () => number } {
  let characters = 0;
  const query = async <Row extends object>(statement: Statement): Promise<readonly Row[]> => {
    const rows = await store.query<Row>(statement);
    characters += JSON.stringify(rows).length;
    return rows;
  };
  return { characters: () => characters, store: { ...store, query } };
}

describe('HTTP: no answer grows without a bound', { timeout: 120_000 }, () => {
  it('a list of runs with the largest parameters and results takes none of them out of the database', async () => {
    for (let count = 0; count < 10; count += 1)
      await endedRun({ parameters: json("repeat('x', 4900000)"), result: json("repeat('y', 4900000)") });
    const { store, characters } = counting(api.base.store);
    const { runs } = await listRuns(store, 'testing', { limit: 10 });
    for (const { parameters, result, omitted } of runs)
      assert.deepEqual(
        { parameters, result, omitted },
        { parameters: null, result: null, omitted: ['parameters', 'result'] },
      );
    assert.ok(characters() < 100_000, `${characters()} characters`);
  });

  it('in a list what is over 4 KB is null and named; one run has it whole', async () => {
    const large = {
      'as it is': "(select string_agg(md5(random()::text), '') from generate_series(1, 200))",
      'well compressed': "repeat('x', 300000)",
    };
    for (const [how, text] of Object.entries(large)) {
      const run = await endedRun({ result: json(text) });
      assert.deepEqual(await listed(run), { ...(await whole(run)), result: null, omitted: ['result'] }, how);
      assert.ok(JSON.stringify((await whole(run)).result).length > 4096, how);
    }
    for (const [bytes, isShown] of [
      [4096, true],
      [4097, false],
    ] as const) {
      const run = await endedRun({ parameters: `(to_json(repeat('é', 2045) || repeat('x', ${bytes - 4092})))` });
      const shown = await whole(run);
      assert.equal(Buffer.byteLength(JSON.stringify(shown.parameters)), bytes);
      assert.deepEqual(await listed(run), isShown ? shown : { ...shown, parameters: null, omitted: ['parameters'] });
    }
  });

  it('a large error is shortened in a list, whatever its characters; a small one is whole', async () => {
    const text = `first line \0 \ud800 "${'x'.repeat(100_000)}`;
    const run = await endedRun({
      error: `$$${JSON.stringify({ name: 'Error', message: text, stack: `Error: ${text}` })}$$`,
    });
    assert.equal((await whole(run)).error?.message.length, text.length);
    const { error, attempts, omitted } = await listed(run);
    assert.deepEqual(omitted, ['error', 'attempts']);
    for (const shortened of [error, attempts[0]?.error]) {
      assert.match(shortened?.message ?? '', /^first line \ufffd \ufffd "x{900,1000}…$/);
      assert.deepEqual({ ...shortened, message: '' }, { name: 'Error', message: '', stack: null });
    }
    const small = await endedRun({ error: `'{"name":"Error","message":"no","stack":"at a"}'` });
    assert.deepEqual(await listed(small), await whole(small));
  });

  it('log lines come in answers of some megabytes, and `nextAfter` leads to the rest', async () => {
    const run = await scheduleRun(api.base.store, 'testing', { task: 'noop' });
    await sql(
      `insert into cloudcode.log_lines (run_id, seq, attempt, at, level, message) select '${run.id}', i, i / 64, now(), 'log', repeat('é', 16000) from generate_series(1, 1000) i`,
    );
    const path = `runs/${run.id}/logs`;
    const first = (await api.call('GET', path)).body as AnswerOf<typeof runs.logs>;
    assert.ok(first.lines.length < 600, `${first.lines.length} lines`);
    assert.equal(first.nextAfter, first.lines.length);
    const second = (await api.call('GET', `${path}?after=${first.nextAfter}`)).body as AnswerOf<typeof runs.logs>;
    assert.equal(second.nextAfter, undefined);
    assert.deepEqual(
      [...first.lines, ...second.lines].map(({ seq }) => seq),
      Array.from({ length: 1000 }, (_, index) => index + 1),
    );
  });

  it('queues come in pages, and the client takes them all', async () => {
    for (const name of ['a', 'b', 'ä', 'z', 'Z']) await pauseQueue(api.base.store, 'testing', name);
    const names: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const page: AnswerOf<typeof queues.list> = (
        await api.call('GET', `queues?limit=2${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`)
      ).body as AnswerOf<typeof queues.list>;
      assert.ok(page.queues.length <= 2);
      names.push(...page.queues.map(({ name }) => name));
      cursor = page.nextCursor;
    }
    assert.deepEqual(
      names,
      ((await api.call('GET', 'queues')).body as AnswerOf<typeof queues.list>).queues.map(({ name }) => name),
    );
    assert.deepEqual(names.toSorted(), ['Z', 'a', 'b', 'z', 'ä']);
    for (const query of ['limit=0', 'limit=10001', 'curser=a', 'cursor=%00'])
      assert.equal((await api.call('GET', `queues?${query}`)).status, 422, query);
  });

  it('a client that does not read is cut off; one that reads keeps its stream', async () => {
    const { store } = api.base;
    const run = await scheduleRun(store, 'testing', { task: 'noop', after: 600_000 });
    await sql(
      `insert into cloudcode.log_lines (run_id, seq, attempt, at, level, message) select '${run.id}', i, 1, now(), 'log', repeat('x', 16000) from generate_series(1, 3000) i`,
    );
    const server = createServer({ store, project: { name: 'app', folder: '/nowhere' }, log: () => undefined });
    assert.ok(server.server.timeout > 0, 'a connection on which nothing moves is not kept for ever');
    server.server.timeout = 500;
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    try {
      const { port } = server.server.address() as AddressInfo;
      const stuck = connect(port, '127.0.0.1');
      const [accepted] = (await once(server.server, 'connection')) as [NodeJS.EventEmitter];
      const cutOff = once(accepted, 'close');
      stuck.pause().on('error', () => undefined);
      stuck.write(
        `GET /api/v1/environments/testing/runs/${run.id}/logs HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\r\n`,
      );
      await cutOff;
      stuck.destroy();
      let lines = 0;
      const backend = httpBackend({ url, environment: 'testing' });
      for await (const _ of followLogs(backend, run.id, AbortSignal.timeout(60_000))) if ((lines += 1) === 3000) break;
      assert.equal(lines, 3000);
    } finally {
      await server.close();
    }
  });
});
