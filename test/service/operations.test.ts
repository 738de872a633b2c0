import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { sha256 } from '../../src/contents/sha256.ts';
import { storeBackend } from '../../src/cli/store-backend.ts';
import type { Backend } from '../../src/client/backend.ts';
import { httpBackend } from '../../src/client/http-backend.ts';
import {
  type Answering,
  makesSomething,
  type Operation,
  permissions,
  resource,
  type Streaming,
} from '../../src/service/api/operation.ts';
import { operations, resources } from '../../src/service/api/operations.ts';
import { createServer } from '../../src/service/http/create-server.ts';
import { handlerOf } from '../../src/service/operations/handlers.ts';
import { openApi, problemOf, type Api } from './http/api.ts';

const id = '01a208ee-080e-731a-8b08-5ce50cedec48';
/** Something for every parameter and body that is declared. */
const values = {
  id,
  name: 'a queue',
  since: '2026-01-01T00:00:00Z',
  besides: id,
  upload: '1',
  number: '0',
  body: { task: 'noop', queue: 'a queue', after: 60_000 },
};

/** Of a project of nothing. */
const manifest = {
  tasks: [],
  packages: { tree: { hash: sha256(''), folders: [], links: [] }, projectPath: '', contents: [] },
  files: null,
  config: {},
  extension: null,
};

function bodyOf(each: Operation): object {
  if (each.bytes === true) return new Uint8Array([1]);
  if (each.body === undefined) return {};
  if (each === resources.runs.scheduleBatch) return { runs: [values.body] };
  if (each === resources.runs.retryMany || each === resources.runs.cancelMany) return { filter: { task: 'none' } };
  const hash = '0'.repeat(64);
  if (each === resources.deployments.missing) return { bundles: [hash], contents: [] };
  if (each === resources.deployments.completeBundle) return { hash, format: 'cjs', codeBytes: 1, sourceMapBytes: 1 };
  if (each === resources.deployments.completeContent) return { hash, name: 'files', files: [] };
  if (each === resources.deployments.create) return { manifest, dryRun: true };
  if (each === resources.environments.create) return { name: 'made' };
  if (each === resources.environments.delete) return { confirm: 'another name' };
  if (each === resources.variables.set) return { variables: [{ name: 'GREETING', value: 'hello' }] };
  if (each === resources.variables.unset) return { names: ['NOT_SET'] };
  return each.name.endsWith('Named') ? { queue: values.body.queue } : values.body;
}

/** What an operation makes of them: an answer, the events of its stream, or the code of its refusal. */
async function outcomeOf(backend: Backend, each: Operation): Promise<unknown> {
  const input = Object.fromEntries(
    Object.entries({ ...values, body: bodyOf(each) }).filter(([name]) =>
      name === 'body' ? each.body !== undefined || each.bytes === true : Object.hasOwn(each.parameters ?? {}, name),
    ),
  );
  try {
    if (each.answer !== undefined) return await backend.call(each as Answering, input);
    const events: unknown[] = [];
    for await (const event of backend.follow(each as Streaming, input, AbortSignal.timeout(10_000))) events.push(event);
    return events;
  } catch (error) {
    return (error as { readonly code?: string }).code ?? error;
  }
}

describe('the operations that are declared', { timeout: 60_000 }, () => {
  let api: Api;
  let url = '';
  const asked: (Operation | undefined)[] = [];
  before(async () => {
    api = await openApi();
    api.server.addHook('preHandler', async ({ routeOptions }) => void asked.push(routeOptions.config.operation));
    await api.server.listen({ host: '127.0.0.1', port: 0 });
    url = `http://127.0.0.1:${(api.server.server.address() as AddressInfo).port}`;
  });
  after(() => api[Symbol.asyncDispose]());

  for (const [resource, declared] of Object.entries(resources)) {
    for (const [name, each] of Object.entries<Operation>(declared)) {
      it(`${resource}.${name} has its name, a permission, a sentence, a handler, and an answer or a stream`, () => {
        assert.equal(each.name, `${resource}.${name}`);
        assert.ok(permissions.includes(each.permission));
        assert.match(each.summary, /^[A-Z][^.]*\.$/);
        const { answer, follow } = handlerOf(each);
        assert.equal(answer !== undefined, each.answer !== undefined);
        assert.equal(follow !== undefined, each.stream !== undefined);
        assert.ok(answer !== undefined || follow !== undefined);
      });

      it(`${resource}.${name} is reached by the client`, async () => {
        asked.length = 0;
        await outcomeOf(httpBackend({ url, environment: 'testing' }), each);
        assert.deepEqual(asked, [each]);
      });
    }
  }

  it('the routes of a server are those, and no others', () => {
    const paths: string[] = [];
    const routes = api.server
      .printRoutes({ commonPrefix: false })
      .split('\n')
      .flatMap((line) => {
        const [, indent = '', path = '', methods = ''] = /^(.*)[├└]── (\S*) \((.*)\)$/.exec(line) ?? [];
        if (path === '') return [];
        paths.splice(indent.length / 4, Infinity, path);
        return methods.split(', ').map((method) => `${method} ${paths.join('')}`);
      });
    const declared = operations.flatMap(({ method, path }) => [
      `${method} ${path}`,
      ...(method === 'GET' ? [`HEAD ${path}`] : []),
    ]);
    assert.deepEqual(routes.toSorted(), declared.toSorted());
  });

  it('what belongs to an environment says so in its path, and nowhere else; what is public does not', () => {
    const ofTheServer: readonly Operation[] = [
      resources.environments.list,
      resources.environments.create,
      resources.keys.rotate,
    ];
    for (const each of operations) {
      const { name, path, permission, parameters, body } = each;
      const isInEnvironment = permission !== 'public' && !ofTheServer.includes(each);
      assert.equal(path.startsWith('/api/v1/environments/:environment'), isInEnvironment, name);
      assert.equal(Object.hasOwn(parameters ?? {}, 'environment'), false, name);
      assert.equal(JSON.stringify(body?.def ?? null).includes('"environment"'), false, name);
    }
  });

  it('a store that is worked on directly answers and refuses as a server does', async () => {
    const direct = storeBackend(api.base.store, 'testing');
    const server = httpBackend({ url, environment: 'testing' });
    for (const resource of [resources.queues, resources.tasks, resources.runs]) {
      for (const each of Object.values<Operation>(resource)) {
        // Each run that is made has an id of its own.
        if (makesSomething(each)) continue;
        assert.deepEqual(await outcomeOf(direct, each), await outcomeOf(server, each), each.name);
      }
    }
    for (const each of [resources.runs.get, resources.runs.logs]) {
      const run = await direct.call(resources.runs.schedule, { body: values.body });
      assert.deepEqual(await direct.call(each, { id: run.id }), await server.call(each, { id: run.id }), each.name);
    }
  });

  it('in an environment that does not exist nothing is found, whatever is asked', async () => {
    for (const each of operations.filter(({ path }) => path.startsWith('/api/v1/environments/:environment'))) {
      const path = each.path.replace(':environment', 'nowhere').replace(':id', id).replaceAll(/:\w+/g, 'x');
      const query = each === resources.runs.summariseEnded ? `?since=${values.since}&besides=${id}` : '';
      const body = each === resources.environments.delete ? { confirm: 'nowhere' } : bodyOf(each);
      const { code, status } = problemOf(await api.call(each.method, `${path}${query}`, body));
      assert.deepEqual([each.name, code, status], [each.name, 'environment_not_found', 404]);
    }
  });

  it('a parameter that is not declared is refused by name', async () => {
    for (const each of operations) {
      const path = each.path.replace(':environment', 'testing').replaceAll(/:\w+/g, 'x');
      const query = each === resources.runs.summariseEnded ? `since=${values.since}&besides=${id}&` : '';
      const { status, body } = await api.call(
        each.method,
        `${path}?${query}colour=red`,
        each.bytes === true ? bodyOf(each) : values.body,
      );
      assert.equal(status, 422, each.name);
      assert.match((body as { readonly detail: string }).detail, /There is no filter `colour`/);
    }
  });

  it('a key of a body that is not declared is refused by name, and so is a body where none is', async () => {
    for (const each of operations.filter(({ method, bytes }) => method === 'POST' && bytes !== true)) {
      const path = each.path.replace(':environment', 'testing').replaceAll(/:\w+/g, 'x');
      const answer = await api.call('POST', path, { ...bodyOf(each), colour: 'red' });
      const { code, detail } = problemOf(answer);
      assert.ok(code === 'invalid_body' || code === 'unknown_option', each.name);
      assert.match(detail, /no .*`colour`/, each.name);
      if (each.body !== undefined) continue;
      for (const other of [[], 'red', 5, null]) {
        const { code, detail } = problemOf(await api.call('POST', path, JSON.stringify(other)));
        assert.equal(code, 'invalid_body', each.name);
        assert.match(detail, /must be `\{\}`, or nothing/);
      }
    }
  });
});

describe('what is not declared', () => {
  it('is no route: the server does not start', async () => {
    const server = createServer({ store: null as never, log: () => undefined });
    assert.throws(() => server.get('/more', async () => 'x'), /GET.* \/more is not declared as an operation/);
    void server.register(async (api) => void api.post('/in-a-plugin', async () => 'x'));
    await assert.rejects(async () => server.ready(), /POST \/in-a-plugin is not declared/);
  });

  it('without a permission nothing is an operation, and no route', () => {
    for (const permission of [undefined, 'everything']) {
      const undeclared = { ...resources.runs.get, permission } as unknown as Operation;
      assert.throws(() => resource('runs', { get: undeclared }), /runs\.get declares no permission/);
      const server = createServer({ store: null as never, log: () => undefined });
      const route = { config: { operation: undeclared } };
      assert.throws(() => server.get('/more', route, async () => 'x'), /GET.* \/more is not declared/);
    }
  });

  it('is no stream and no answer either', () => {
    assert.throws(
      () => handlerOf({ ...resources.runs.logs, stream: undefined } as never),
      /runs\.logs declares no stream/,
    );
    assert.throws(
      () => handlerOf({ ...resources.runs.get, answer: undefined } as never),
      /runs\.get declares no answer/,
    );
  });

  it('a path holds no parameter that is not declared', () => {
    const undeclared = { ...resources.runs.get, parameters: {} };
    assert.throws(() => resource('runs', { get: undeclared }), /runs\.get does not declare the parameter id/);
  });
});
