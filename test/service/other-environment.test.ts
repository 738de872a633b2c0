import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sha256 } from '../../src/contents/sha256.ts';
import { deployProject } from '../../src/engine/operations/deploy-project.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { inEnvironment, type Operation, pathNames } from '../../src/service/api/operation.ts';
import { operations, resources } from '../../src/service/api/operations.ts';
import { noopTask } from '../support/store.ts';
import { openApi, problemOf, type Api } from './http/api.ts';

/** What names something of an environment by an id; a queue is known by its name, which each environment may have. */
const byId = operations.filter((each) => pathNames(each).some((name) => name === 'id' || name === 'upload'));
const hash = '0'.repeat(64);

/** A body that nothing is wrong with. */
function bodyOf(each: Operation): unknown {
  if (each.bytes === true) return new Uint8Array([1]);
  if (each === resources.deployments.completeBundle) return { hash, format: 'cjs', codeBytes: 1, sourceMapBytes: 1 };
  if (each === resources.deployments.completeContent) return { hash, name: 'files', files: [] };
  assert.equal(each.body, undefined, `${each.name} has a body that this test does not know`);
  return undefined;
}

describe('what is of another environment is not found by its id', { timeout: 60_000 }, () => {
  let api: Api;
  const ids = { run: '', deployment: '', upload: '' };
  before(async () => {
    api = await openApi();
    const { store } = api.base;
    const deployed = await deployProject(store, 'staging', { folder: '/', tasks: [noopTask], config: {} });
    const queued = { task: 'noop', queue: 'q', key: 'k', at: new Date(Date.now() + 3_600_000) };
    const upload = (await api.call('POST', '/api/v1/environments/staging/uploads')).body as { readonly id: string };
    ids.run = (await scheduleRun(store, 'staging', queued)).id;
    ids.deployment = deployed.id;
    ids.upload = upload.id;
  });
  after(() => api[Symbol.asyncDispose]());

  const pathFor = (each: Operation, environment: string): string => {
    const id = each.name.startsWith('deployments.') ? ids.deployment : ids.run;
    return each.path
      .replace(':environment', environment)
      .replace(':id', id)
      .replace(':upload', ids.upload)
      .replace(':number', '0');
  };

  for (const each of byId) {
    it(each.name, async () => {
      const { code, status } = problemOf(await api.call(each.method, pathFor(each, 'testing'), bodyOf(each)));
      assert.deepEqual([status, /^(run|deployment|upload)_not_found$/.test(code)], [404, true], code);
    });
  }

  it('in its own environment each of these ids is found', async () => {
    for (const each of [resources.runs.get, resources.deployments.show, resources.deployments.plan])
      assert.equal((await api.call('GET', pathFor(each, 'staging'))).status, 200, each.name);
    const piece = await api.call('POST', pathFor(resources.deployments.putPiece, 'staging'), new Uint8Array([1]));
    assert.equal(piece.status, 200);
  });

  it('lists and changes of many see nothing of it, whatever they filter by', async () => {
    const filters = {
      task: 'noop',
      queue: 'q',
      key: 'k',
      deployment: ids.deployment,
      scheduledBy: ids.run,
      state: 'scheduled',
    };
    for (const [name, value] of Object.entries(filters)) {
      const { body } = await api.call('GET', `runs?${name}=${encodeURIComponent(value)}`);
      assert.deepEqual((body as { readonly runs: readonly object[] }).runs, [], name);
    }
    for (const verb of ['retry', 'cancel']) {
      const response = await api.server.inject({
        method: 'POST',
        url: `/api/v1/environments/testing/runs/${verb}`,
        headers: { host: '127.0.0.1:4000', 'content-type': 'application/json' },
        payload: JSON.stringify({ filter: { task: 'noop' } }),
      });
      assert.match(response.body, /event: done\ndata: \{"matched":0,/);
    }
    const { body } = await api.call('GET', '/api/v1/environments/staging/runs');
    assert.deepEqual(
      (body as { readonly runs: readonly { readonly state: string }[] }).runs.map(({ state }) => state),
      ['scheduled'],
    );
  });

  it('a deployment may name a content that another environment has sent only by the hash of all of it', async () => {
    const content = { hash, name: 'p@1', bytes: 1, count: 1 };
    const manifest = {
      tasks: [],
      packages: { tree: { hash: sha256(''), folders: [], links: [] }, projectPath: '', contents: [] },
      files: content,
      config: {},
      extension: null,
    };
    const response = await api.server.inject({
      method: 'POST',
      url: '/api/v1/environments/testing/deployments',
      headers: { host: '127.0.0.1:4000', 'content-type': 'application/json' },
      payload: JSON.stringify({ manifest }),
    });
    assert.match(response.body, /event: refused\ndata: .*parts_missing/);
  });

  it('is asked of every operation of an environment that takes an id', () => {
    const others = operations
      .filter(({ path }) => path.startsWith(inEnvironment))
      .filter((each) => !byId.includes(each));
    for (const each of others)
      assert.deepEqual(
        pathNames(each).filter((name) => !['environment', 'name'].includes(name)),
        [],
        each.name,
      );
    assert.ok(byId.length >= 10);
  });
});
