import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { errorCatalogue, type ErrorCode } from '../../../src/engine/core/errors.ts';
import { environmentPath, openApi, problemOf, type Answer, type Api } from './api.ts';

/** Everything that every refusal promises. */
function assertProblem(answer: Answer, code: ErrorCode, detail: RegExp): void {
  const problem = problemOf(answer);
  assert.equal(problem.code, code, JSON.stringify(answer.body));
  assert.equal(answer.status, errorCatalogue[code].status);
  assert.equal(problem.status, answer.status);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(problem.title, errorCatalogue[code].title);
  assert.ok(problem.type.endsWith(code));
  assert.match(problem.detail, detail);
}

const big = 5 * 1024 * 1024;

describe('HTTP: a refusal is one problem that says what is wrong, and changes nothing', () => {
  let api: Api;
  before(async () => {
    api = await openApi();
  });
  after(() => api[Symbol.asyncDispose]());

  const bodies: readonly (readonly [what: string, body: unknown, code: ErrorCode, detail: RegExp])[] = [
    ['no body', undefined, 'invalid_body', /must be a JSON object; this is undefined/],
    ['an array', [], 'invalid_body', /this is an array/],
    ['no JSON', '{"task": noop}', 'invalid_body', /line 1, column 10: expected a value, found "noop"/],
    ['JSON that ends too soon', '{"task":\n"noop"', 'invalid_body', /line 2, column 7: expected , or }, found the end/],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'invalid_body', /UTF-8/],
    ['no task', {}, 'invalid_task', /`task` must be the name of a task; this is undefined/],
    ['an unknown task', { task: 'nop' }, 'unknown_task', /no task `nop`.*Did you mean `noop`\?/],
    [
      'an unknown option',
      { task: 'noop', parameter: {} },
      'unknown_option',
      /`parameter`.*Did you mean `parameters`\?/,
    ],
    ['__proto__', '{"task":"noop","__proto__":{}}', 'unknown_option', /__proto__/],
    [
      'parameters that are no object',
      { task: 'noop', parameters: [1] },
      'invalid_parameters',
      /plain object; this is an array/,
    ],
    [
      'parameters over 5 MB',
      { task: 'noop', parameters: { text: 'x'.repeat(big) } },
      'parameters_too_large',
      /5242891 bytes/,
    ],
    [
      '`at` that is no time',
      { task: 'noop', at: 'tomorrow' },
      'invalid_at',
      /ISO 8601.*"tomorrow".*2026-03-01T09:00:00Z/,
    ],
    ['`at` without an offset', { task: 'noop', at: '2026-03-01T09:00:00' }, 'invalid_at', /offset/],
    ['`at` on a day that is not', { task: 'noop', at: '2026-02-30T09:00:00Z' }, 'invalid_at', /2026-02-30/],
    ['`at` as a number', { task: 'noop', at: 5 }, 'invalid_at', /this is 5/],
    ['a negative `after`', { task: 'noop', after: -1 }, 'invalid_after', /-1/],
    ['`after` as text', { task: 'noop', after: '5' }, 'invalid_after', /"5"/],
    ['`at` and `after`', { task: 'noop', at: '2026-03-01T09:00:00Z', after: 1 }, 'at_and_after', /one time/],
    ['an empty queue', { task: 'noop', queue: '' }, 'invalid_queue', /empty/],
    ['a queue with U+0000', { task: 'noop', queue: 'a\u0000' }, 'invalid_queue', /U\+0000/],
    ['a queue with half a pair', { task: 'noop', queue: '\ud800' }, 'invalid_queue', /surrogate/],
    ['a long queue', { task: 'noop', queue: 'x'.repeat(513) }, 'invalid_queue', /513/],
  ];
  for (const [what, body, code, detail] of bodies) {
    it(`POST runs with ${what}: ${code}`, async () => {
      assertProblem(await api.call('POST', 'runs', body), code, detail);
    });
  }

  it('a body over the limit: body_too_large', async () => {
    assertProblem(
      await api.call('POST', 'runs', { task: 'noop', parameters: { text: 'x'.repeat(2 * big) } }),
      'body_too_large',
      /5 MB/,
    );
  });

  const requests: readonly (readonly ['GET' | 'POST', path: string, ErrorCode, RegExp])[] = [
    ['GET', 'runs?state=done', 'invalid_filter', /`state` is `done`/],
    ['GET', 'runs?state=faild', 'invalid_filter', /Did you mean `failed`/],
    ['GET', 'runs?limit=x', 'invalid_filter', /`limit` is "x": it must be a whole number/],
    ['GET', 'runs?limit=0', 'invalid_filter', /`limit` is 0/],
    ['GET', 'runs?limit=100000', 'invalid_filter', /100000/],
    ['GET', 'ended?since=yesterday&besides=x', 'invalid_filter', /yesterday/],
    ['GET', 'ended?since=2026-01-01T00:00:00Z', 'invalid_filter', /besides.*must be given/],
    ['GET', 'runs?limit=1&limit=2', 'invalid_filter', /more than once/],
    ['GET', 'runs?cursor=x', 'invalid_filter', /`cursor`/],
    ['GET', 'runs?stat=failed', 'invalid_filter', /no filter `stat`.*Did you mean `state`/],
    ['GET', 'runs/1', 'run_not_found', /`1`/],
    ['GET', 'runs/01a208ee-080e-731a-8b08-5ce50cedec48', 'run_not_found', /01a208ee/],
    ['GET', 'runs/1/logs', 'run_not_found', /`1`/],
    ['GET', 'runs/%00', 'run_not_found', /run/],
    ['GET', 'runs/1/logs?after=x', 'invalid_filter', /`after`/],
    ['POST', 'runs/1/cancel', 'run_not_found', /`1`/],
    ['POST', 'runs/1/retry', 'run_not_found', /`1`/],
    ['POST', `queues/${'x'.repeat(513)}/pause`, 'invalid_queue', /513/],
    ['POST', 'queues/%00/pause', 'invalid_queue', /U\+0000/],
    ['GET', '/api/v1/environments/nowhere/runs', 'environment_not_found', /`nowhere`/],
    ['GET', '/api/v1/environments/%00/tasks', 'environment_not_found', /environment/],
    ['POST', '/api/v1/environments/%00/runs', 'environment_not_found', /environment/],
    [
      'GET',
      `/api/v1/environments/%00/runs/01a208ee-080e-731a-8b08-5ce50cedec48`,
      'environment_not_found',
      /environment/,
    ],
    ['GET', '/nowhere', 'not_found', /GET \/nowhere/],
    ['GET', '/', 'not_found', /GET \//],
    ['POST', 'runs/1', 'not_found', /POST/],
    ['GET', '/%', 'not_found', /percent-encoded/],
  ];
  for (const [method, path, code, detail] of requests) {
    it(`${method} ${path.slice(0, 60)}: ${code}`, async () => {
      assertProblem(await api.call(method, path), code, detail);
    });
  }

  it('a schedule for an environment that is not there', async () => {
    const answer = await api.call('POST', '/api/v1/environments/staging/runs', { task: 'noop' });
    assert.ok(['unknown_task', 'environment_not_found'].includes(problemOf(answer).code));
  });

  it('none of these has scheduled anything, and none was a fault', async () => {
    assert.deepEqual((await api.call('GET', 'runs')).body, { runs: [], nextCursor: null });
    assert.deepEqual(api.logged, []);
  });
});

describe('HTTP: other machines and other pages are kept out', () => {
  let api: Api;
  before(async () => {
    api = await openApi();
  });
  after(() => api[Symbol.asyncDispose]());

  const ask = async (
    headers: Record<string, string>,
    method: 'GET' | 'POST' | 'OPTIONS' = 'GET',
    path = 'runs',
  ): Promise<Answer> => {
    const {
      statusCode,
      headers: answered,
      body,
    } = await api.server.inject({ method, url: `${environmentPath}/${path}`, headers });
    return { status: statusCode, headers: answered, body: JSON.parse(body) as unknown };
  };

  for (const host of [
    '127.0.0.1',
    '127.0.0.1:4000',
    'localhost:4000',
    'LOCALHOST',
    '127.5.6.7:1',
    '[::1]',
    '[::1]:4000',
  ]) {
    it(`Host ${host} is answered`, async () => assert.equal((await ask({ host })).status, 200));
  }
  const foreignHosts = [
    'example.com',
    'example.com:4000',
    '127.0.0.1.example.com',
    'localhost.example.com',
    '10.0.0.1:4000',
    '0.0.0.0:4000',
    'a@127.0.0.1',
    '127.0.0.1:4000:5',
    '[::2]',
    'xlocalhost',
  ];
  for (const host of foreignHosts) {
    it(`Host ${JSON.stringify(host)} is refused`, async () =>
      assertProblem(await ask({ host }), 'forbidden_host', /loopback/));
  }
  for (const origin of ['http://127.0.0.1:4000', 'HTTP://127.0.0.1:4000']) {
    it(`Origin ${origin}, the server's own, is answered`, async () =>
      assert.equal((await ask({ host: '127.0.0.1:4000', origin })).status, 200));
  }
  for (const origin of [
    'http://example.com',
    'null',
    '',
    'https://127.0.0.1:4000',
    'http://127.0.0.1:4001',
    'http://localhost:4000',
    'http://127.0.0.1',
  ]) {
    it(`Origin ${JSON.stringify(origin)} is refused, whatever the method`, async () => {
      assertProblem(await ask({ host: '127.0.0.1:4000', origin }), 'forbidden_host', /another origin/);
      assertProblem(
        await ask({ host: '127.0.0.1:4000', origin, 'content-type': 'application/json' }, 'POST'),
        'forbidden_host',
        /another origin/,
      );
      assertProblem(await ask({ host: '127.0.0.1:4000', origin }, 'OPTIONS'), 'forbidden_host', /another origin/);
    });
  }
  for (const type of [
    undefined,
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'text/plain;application/json',
  ]) {
    for (const path of ['runs', 'runs/1/cancel', 'queues/a/pause', 'nowhere']) {
      it(`POST ${path} as ${type ?? 'nothing'} is refused`, async () => {
        const headers = { host: '127.0.0.1', ...(type === undefined ? {} : { 'content-type': type }) };
        assertProblem(await ask(headers, 'POST', path), 'unsupported_media_type', /content-type: application\/json/);
      });
    }
  }
  it('POST as application/json with a charset is taken', async () => {
    assert.equal(
      problemOf(await ask({ host: '127.0.0.1', 'content-type': 'Application/JSON; charset=utf-8' }, 'POST')).code,
      'invalid_body',
    );
  });
});
