import assert from 'node:assert/strict';
import { accessSync, constants } from 'node:fs';
import { createServer as createPageServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { it } from 'node:test';
import { chromium } from 'playwright-core';
import { createServer } from '../../../src/service/http/create-server.ts';
import { listRuns } from '../../../src/engine/operations/list-runs.ts';
import { listQueues } from '../../../src/engine/operations/list-queues.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import { testStore } from '../../support/store.ts';

const browser = findBrowser();
const strangersName = 'stranger.example';

it(
  'HTTP: a page of another origin, in a real browser, can neither read the API nor change anything with it',
  {
    skip: browser === null && 'there is no Chromium: name one with CHROMIUM_PATH',
    timeout: 120_000,
  },
  async () => {
    await using base = await testStore();
    const waiting = await scheduleRun(base.store, 'testing', { task: 'noop', after: 600_000, queue: 'kept' });
    const server = createServer({
      store: base.store,
      project: { name: 'app', folder: '/nowhere' },
      log: () => undefined,
    });
    await server.listen({ host: '127.0.0.1', port: 0 });
    const target = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
    const pages = createPageServer((_request, response) =>
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>page</title>'),
    );
    pages.listen(0, '127.0.0.1');
    await once(pages, 'listening');
    const foreignPage = `http://127.0.0.1:${(pages.address() as AddressInfo).port}/`;
    const running = await chromium.launch({
      executablePath: browser ?? '',
      args: ['--no-sandbox', `--host-resolver-rules=MAP ${strangersName} 127.0.0.1`],
    });
    try {
      const page = await running.newPage();
      await page.goto(foreignPage);
      const outcomes = await page.evaluate(attack, { target, runId: waiting.id });
      for (const [what, outcome] of Object.entries(outcomes))
        assert.match(outcome, /^(blocked|opaque|loaded nothing)/, `${what}: ${outcome}`);

      // A name of the attacker's that points to this machine (DNS rebinding).
      const rebound = await page.goto(`${target.replace('127.0.0.1', strangersName)}/api/v1/environments/testing/runs`);
      assert.equal(rebound?.status(), 403);

      // The server's own page may.
      await page.goto(`${target}/health`);
      assert.equal(await page.evaluate(async () => (await fetch('/api/v1/environments/testing/runs')).status), 200);
    } finally {
      await running.close();
      pages.close();
      await server.close();
    }
    const { runs } = await listRuns(base.store, 'testing', {});
    assert.deepEqual(
      runs.map(({ id, state }) => [id, state]),
      [[waiting.id, 'scheduled']],
    );
    assert.deepEqual(
      (await listQueues(base.store, 'testing')).queues.map(({ name, paused }) => [name, paused]),
      [['kept', false]],
    );
  },
);

/** What a page can try without being asked for permission, and what it needs it for. Runs in the browser. */
async function attack({
  target,
  runId,
}: {
  readonly target: string;
  readonly runId: string;
}): Promise<Record<string, string>> {
  const runs = `${target}/api/v1/environments/testing/runs`;
  const body = JSON.stringify({ task: 'noop' });
  const request = async (url: string, options: RequestInit): Promise<string> => {
    try {
      const response = await fetch(url, options);
      return response.type === 'opaque' ? 'opaque' : `answered ${response.status}`;
    } catch (error) {
      return `blocked: ${String(error)}`;
    }
  };
  const submit = async (action: string): Promise<string> => {
    const document = (globalThis as unknown as { document: { createElement(tag: string): Element; body: Element } })
      .document;
    interface Element {
      [name: string]: unknown;
      append(child: Element): void;
      submit(): void;
      addEventListener(event: string, listener: () => void): void;
    }
    const frame = document.createElement('iframe');
    frame['name'] = `frame-${action}`;
    document.body.append(frame);
    const form = document.createElement('form');
    Object.assign(form, { action, method: 'post', enctype: 'text/plain', target: frame['name'] });
    const input = document.createElement('input');
    Object.assign(input, { name: '{"task":"noop","parameters":{"x":"', value: '"}}' });
    form.append(input);
    document.body.append(form);
    const loaded = new Promise<void>((resolve) => frame.addEventListener('load', () => resolve()));
    form.submit();
    await Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, 3000))]);
    return 'loaded nothing it can read';
  };
  return {
    'read the runs': await request(runs, {}),
    'read them without cors': await request(runs, { mode: 'no-cors' }),
    'schedule as JSON': await request(runs, { method: 'POST', headers: { 'content-type': 'application/json' }, body }),
    'schedule as text without cors': await request(runs, { method: 'POST', mode: 'no-cors', body }),
    'schedule as a blob of JSON without cors': await request(runs, {
      method: 'POST',
      mode: 'no-cors',
      body: new Blob([body], { type: 'application/json' }),
    }),
    'cancel without a body': await request(`${runs}/${runId}/cancel`, { method: 'POST', mode: 'no-cors' }),
    'pause without a body': await request(`${target}/api/v1/environments/testing/queues/kept/pause`, {
      method: 'POST',
      mode: 'no-cors',
    }),
    delete: await request(`${runs}/${runId}`, { method: 'DELETE' }),
    'schedule with a form': await submit(runs),
    'cancel with a form': await submit(`${runs}/${runId}/cancel`),
    'pause with a form': await submit(`${target}/api/v1/environments/testing/queues/kept/pause`),
  };
}

function findBrowser(): string | null {
  const given = process.env['CHROMIUM_PATH'];
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin'];
  const candidates = [
    ...(given === undefined || given === '' ? [] : [given]),
    ...folders.flatMap((folder) => names.map((name) => join(folder, name))),
  ];
  return candidates.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
