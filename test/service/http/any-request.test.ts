import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Operation } from '../../../src/service/api/operation.ts';
import { operations, resources } from '../../../src/service/api/operations.ts';
import { anyRequest, type AnyRequest } from './any-request.ts';
import { type Api, assertDeclared, openApi } from './api.ts';

const tries = Number(process.env['CLOUDCODE_TEST_REQUESTS'] ?? 150);
/** A machine with much to do answers late; what hangs does not answer. */
const lateMs = 30_000;

/** By the server of this test, which has no folder, whose runs have succeeded, and which has to go on. */
const refusesAll: readonly Operation[] = [
  resources.runs.cancel,
  resources.runs.retry,
  resources.project.lookAtFolder,
  resources.project.deployFolder,
  // Most have no filter, or a nonsensical one.
  resources.runs.retryMany,
  resources.runs.cancelMany,
  // Nothing is deployed or uploaded here that they could name.
  resources.deployments.show,
  resources.deployments.plan,
  resources.deployments.activate,
  resources.deployments.putPiece,
  resources.deployments.completeBundle,
  resources.deployments.completeContent,
  resources.deployments.create,
  // Its name is not given again.
  resources.environments.delete,
];

describe('HTTP: whatever is asked, the answer is one that is declared, and no fault', { timeout: 600_000 }, () => {
  let api: Api;
  const ids: string[] = [];
  before(async () => {
    api = await openApi();
    for (const queue of ['q', null]) {
      const body = { task: 'noop', ...(queue === null ? {} : { queue }) };
      ids.push(((await api.call('POST', 'runs', body)).body as { readonly id: string }).id);
    }
    // What succeeded stays as it is, whatever is asked for.
    for (const run of await api.base.claim()) await api.base.finish(run, 'returned');
  });
  after(() => api[Symbol.asyncDispose]());

  const statuses = new Set<number>();
  const ask = async ({ payload, ...request }: AnyRequest): Promise<void> => {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`no answer within ${lateMs} ms`)), lateMs);
    try {
      const asked = api.server.inject({ ...request, ...(payload === undefined ? {} : { payload }) });
      const { statusCode: status, headers, body } = await Promise.race([asked, late.promise]);
      statuses.add(status);
      assert.ok(status < 500, `${status}: ${body}`);
      if (String(headers['content-type']).startsWith('text/event-stream')) assert.equal(status, 200);
      else assertDeclared({ ...request, status }, JSON.parse(body));
    } finally {
      clearTimeout(timer);
    }
  };

  for (const operation of operations) {
    it(`${operation.name}: ${operation.method} ${operation.path}`, async () => {
      const isTaken = (): boolean => [...statuses].some((status) => status < 300);
      const property = fc.asyncProperty(anyRequest(operation, ids), ask);
      await fc.assert(property, { numRuns: tries });
      // Of some operations few requests are: two in a hundred of a batch.
      for (let more = 0; more < 20 && !isTaken() && !refusesAll.includes(operation); more += 1)
        await fc.assert(property, { numRuns: tries });
      assert.deepEqual(api.logged.splice(0), []);
      // Else it would say nothing of what is taken.
      if (!refusesAll.includes(operation)) assert.ok(isTaken());
      statuses.clear();
    });
  }
});
