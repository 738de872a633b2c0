import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { environmentPath, openApi, problemOf, type Answer, type Api } from './api.ts';

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

// POST is told of its missing type first, whatever its path: test/service/http/refusals.test.ts.
const methods = ['DELETE', 'PUT', 'PATCH', 'TRACE', 'PROPFIND'];
const sent: readonly Pick<Asked, 'headers' | 'body'>[] = [
  { headers: {} },
  { headers: { 'content-type': 'text/plain' } },
  { headers: { 'content-type': 'application/json' } },
  { headers: { 'content-type': 'nonsense', 'content-length': '1' }, body: 'x' },
  { headers: { 'content-length': '1' }, body: 'x' },
];

describe(
  'HTTP: where nothing is, or not by this method, that is said, whatever comes with the request',
  { timeout: 60_000 },
  () => {
    let api: Api;
    let address = '';
    before(async () => {
      api = await openApi();
      address = await api.server.listen({ host: '127.0.0.1', port: 0 });
    });
    after(() => api[Symbol.asyncDispose]());

    const ask = ({ method, path, headers, body }: Asked): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const asked = request(`${address}${environmentPath}/${path}`, { method, headers, agent: false }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) as unknown }),
          );
        });
        asked.on('error', reject).end(body);
      });

    for (const method of methods) {
      for (const path of ['runs/1', 'runs', 'nowhere']) {
        it(`${method} ${path}: not_found`, async () => {
          for (const each of sent) {
            const { status, headers, body } = await ask({ method, path, ...each });
            assert.equal(status, 404, JSON.stringify({ each, body }));
            assert.equal(headers['content-type'], 'application/problem+json');
            assert.equal(problemOf({ status, headers, body }).code, 'not_found');
            assert.match(
              problemOf({ status, headers, body }).detail,
              new RegExp(`There is no ${method} ${environmentPath}/${path}`),
            );
          }
        });
      }
      it(`${method} of another page, or to another host, is refused for that first`, async () => {
        for (const headers of [{ origin: 'http://example.com' }, { host: 'example.com' }]) {
          assert.equal(problemOf(await ask({ method, path: 'runs/1', headers })).code, 'forbidden_host');
        }
      });
    }

    it('none of these was a fault', () => assert.deepEqual(api.logged, []));
  },
);
