import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { followLogs } from '../../../src/client/backend.ts';
import { httpBackend } from '../../../src/client/http-backend.ts';
import { readEvents } from '../../../src/client/read-events.ts';
import type { Run } from '../../../src/engine/core/run.ts';
import { cancelRun } from '../../../src/engine/operations/cancel-run.ts';
import { createServer } from '../../../src/service/http/create-server.ts';
import { startRuntime, until, type Runtime } from '../../support/runtime.ts';

const tasks = {
  counts: `export async function run({ to, ms }: { to: number; ms: number }) {
    for (let count = 1; count <= to; count += 1) { console.log('line ' + count); await new Promise((resolve) => setTimeout(resolve, ms)); }
  }`,
  prints: 'export async function run() { for (let count = 1; count <= 2500; count += 1) console.log(count); }',
  large: "export async function run() { return 'x'.repeat(5_000_000); }",
  waits:
    "export async function run() { console.log('waiting'); await new Promise((resolve) => setTimeout(resolve, 60_000)); }",
};

describe("HTTP: a run's log as an event stream", { timeout: 120_000 }, () => {
  let runtime: Runtime;
  let url = '';
  let openStreams = 0;
  let server: ReturnType<typeof createServer>;
  before(async () => {
    runtime = await startRuntime(tasks);
    server = createServer({
      store: runtime.store,
      project: { name: 'app', folder: runtime.folder },
      log: () => undefined,
    });
    server.addHook('onRequest', async (request, reply) => {
      if (request.headers.accept !== 'text/event-stream') return;
      openStreams += 1;
      reply.raw.once('close', () => (openStreams -= 1));
    });
    await server.listen({ host: '127.0.0.1', port: 0 });
    url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  });
  after(async () => {
    await server.close();
    await runtime[Symbol.asyncDispose]();
  });

  const open = async (run: Run, headers: Record<string, string> = {}): Promise<Response> => {
    return fetch(`${url}/api/v1/environments/testing/runs/${run.id}/logs`, {
      headers: { accept: 'text/event-stream', ...headers },
    });
  };
  const eventsOf = async (run: Run, headers: Record<string, string> = {}) => {
    const response = await open(run, headers);
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    assert.ok(response.body !== null);
    return collect(readEvents(response.body));
  };
  const messagesOf = (events: readonly { readonly data: string }[]): unknown[] =>
    events.map(({ data }) => (JSON.parse(data) as { message?: string }).message);

  it('brings the lines while the run is under way, and ends with it', async () => {
    const run = await runtime.schedule('counts', { parameters: { to: 6, ms: 300 } });
    const response = await open(run);
    const arrivals: number[] = [];
    let last = '';
    for await (const event of readEvents(response.body ?? new ReadableStream())) {
      arrivals.push(performance.now());
      last = event.event === 'end' ? event.data : '';
    }
    assert.equal(arrivals.length, 7);
    assert.ok((arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0) > 800, 'they came one after the other');
    assert.deepEqual(JSON.parse(last), await runtime.ended(run), 'the run itself: nobody needs to ask for it again');
  });

  it('brings thousands of lines once each and in order, and goes on after Last-Event-ID', async () => {
    const run = await runtime.run('prints');
    const events = await eventsOf(run);
    assert.deepEqual(
      messagesOf(events.slice(0, -1)),
      Array.from({ length: 2500 }, (_, index) => String(index + 1)),
    );
    const rest = await eventsOf(run, { 'last-event-id': events[2497]?.id ?? '' });
    assert.deepEqual(messagesOf(rest), ['2499', '2500', undefined]);
  });

  it('a client that goes away ends its stream at the server, and a closing server ends all', async () => {
    const run = await runtime.schedule('waits');
    const leaving = new AbortController();
    const response = await fetch(`${url}/api/v1/environments/testing/runs/${run.id}/logs`, {
      headers: { accept: 'text/event-stream' },
      signal: leaving.signal,
    });
    await response.body?.getReader().read();
    assert.equal(openStreams, 1);
    leaving.abort();
    await until(5000, 'the stream is closed', () => (openStreams === 0 ? true : null));

    const second = createServer({
      store: runtime.store,
      project: { name: 'app', folder: runtime.folder },
      log: () => undefined,
    });
    await second.listen({ host: '127.0.0.1', port: 0 });
    const port = (second.server.address() as AddressInfo).port;
    const stream = await fetch(`http://127.0.0.1:${port}/api/v1/environments/testing/runs/${run.id}/logs`, {
      headers: { accept: 'text/event-stream' },
    });
    const closed = once(second.server, 'close');
    await second.close();
    await closed;
    assert.doesNotMatch(await stream.text(), /event: end/);
  });

  it('a closing server tells those who wait for a run that it is over', async () => {
    const run = await runtime.schedule('waits');
    await runtime.printed(run, 'waiting');
    const closing = createServer({
      store: runtime.store,
      project: { name: 'app', folder: runtime.folder },
      log: () => undefined,
    });
    await closing.listen({ host: '127.0.0.1', port: 0 });
    const port = (closing.server.address() as AddressInfo).port;
    const stream = await fetch(`http://127.0.0.1:${port}/api/v1/environments/testing/runs/${run.id}/logs`, {
      headers: { accept: 'text/event-stream' },
    });
    await cancelRun(runtime.store, 'testing', run.id);
    const over = await runtime.ended(run);
    const [events] = await Promise.all([collect(readEvents(stream.body ?? new ReadableStream())), closing.close()]);
    assert.deepEqual(JSON.parse(events.at(-1)?.data ?? ''), over);
  });

  it('a closing server tells it to the last byte, however large the result', async () => {
    const over = await runtime.run('large');
    const closing = createServer({
      store: runtime.store,
      project: { name: 'app', folder: runtime.folder },
      log: () => undefined,
    });
    await closing.listen({ host: '127.0.0.1', port: 0 });
    const port = (closing.server.address() as AddressInfo).port;
    const stream = await fetch(`http://127.0.0.1:${port}/api/v1/environments/testing/runs/${over.id}/logs`, {
      headers: { accept: 'text/event-stream' },
    });
    const closed = closing.close();
    const events = await collect(readEvents(stream.body ?? new ReadableStream()));
    assert.deepEqual(JSON.parse(events.at(-1)?.data ?? ''), over);
    await closed;
  });

  it('the client follows through a stream that breaks, and loses or doubles no line', async () => {
    const run = await runtime.schedule('counts', { parameters: { to: 10, ms: 150 } });
    const backend = httpBackend({ url, environment: 'testing' });
    const messages: string[] = [];
    for await (const line of followLogs(backend, run.id, AbortSignal.timeout(30_000))) {
      messages.push(line.message);
      if (messages.length === 3 || messages.length === 7) server.server.closeAllConnections();
    }
    assert.deepEqual(
      messages,
      Array.from({ length: 10 }, (_, index) => `line ${index + 1}`),
    );
    await assert.rejects(collect(followLogs(backend, 'nothing', AbortSignal.timeout(5000))), { code: 'run_not_found' });
  });
});

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
