import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { openMasterKeys } from '../../../src/engine/operations/master-key.ts';
import { problem } from '../../../src/service/api/http-problem.ts';
import { operations } from '../../../src/service/api/operations.ts';
import { refusalsOf } from '../../../src/service/api/refusals.ts';
import { readDeployedState } from '../../../src/main/environment-data.ts';
import { createServer } from '../../../src/service/http/create-server.ts';
import { testStore, type TestStore } from '../../support/store.ts';

export interface Api extends AsyncDisposable {
  readonly server: FastifyInstance;
  readonly base: TestStore;
  readonly logged: string[];
  /** A request of a program on this machine. */
  call(method: 'GET' | 'POST', path: string, body?: unknown, given?: Readonly<Record<string, string>>): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

export const environmentPath = '/api/v1/environments/testing';

/** The API on a real store, without a port. */
export async function openApi(): Promise<Api> {
  const base = await testStore();
  const logged: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'cloudcode-keys-'));
  const server = createServer({
    store: base.store,
    keys: openMasterKeys(folder),
    project: { name: 'app', folder: '/nowhere' },
    readState: readDeployedState,
    log: (message) => logged.push(message),
  });
  return {
    server,
    base,
    logged,
    async call(method, path, body, given = {}) {
      const url = path.startsWith('/') ? path : `${environmentPath}/${path}`;
      const isBytes = body instanceof Uint8Array && !Buffer.isBuffer(body);
      const type = isBytes ? 'application/octet-stream' : 'application/json';
      const json = method === 'POST' ? { 'content-type': type } : {};
      const headers = { host: '127.0.0.1:4000', ...json, ...given };
      const payload =
        typeof body === 'string' || Buffer.isBuffer(body)
          ? body
          : body instanceof Uint8Array
            ? Buffer.from(body)
            : body === undefined
              ? undefined
              : JSON.stringify(body);
      const response = await server.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
      const answer = response.body === '' ? null : (JSON.parse(response.body) as unknown);
      assertDeclared({ method, url, status: response.statusCode }, answer);
      return { status: response.statusCode, headers: response.headers, body: answer };
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await base[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A good answer has a status and holds what its operation declares, and nothing else; a refusal has a code that is declared. */
export function assertDeclared(
  { method, url, status }: { readonly method: string; readonly url: string; readonly status: number },
  answer: unknown,
): void {
  const { pathname } = new URL(url, 'http://server');
  const operation = operations.find(
    (each) => each.method === method && new RegExp(`^${each.path.replaceAll(/:\w+/g, '[^/]*')}$`).test(pathname),
  );
  if (status >= 300) {
    if (operation === undefined) return;
    const { code } = problem.parse(answer);
    assert.ok(
      refusalsOf(operation).some((each) => each === code),
      `${operation.name} does not declare ${code}`,
    );
    return;
  }
  assert.ok(operation?.answer !== undefined, url);
  assert.ok(
    (operation.statuses ?? [200]).some((each) => each === status),
    `${operation.name} does not declare ${status}`,
  );
  assert.deepEqual(operation.answer.parse(answer), answer);
}

/** What every refusal has in common. */
export function problemOf(answer: Answer): {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly type: string;
  readonly title: string;
} {
  return answer.body as ReturnType<typeof problemOf>;
}
