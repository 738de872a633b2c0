import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../../src/engine/core/run.ts';
import { answerOnce, pruneIdempotencyKeys } from '../../../src/engine/operations/answer-once.ts';
import { makesSomething, type Operation } from '../../../src/service/api/operation.ts';
import { operations, resources } from '../../../src/service/api/operations.ts';
import { type Answer, type Api, environmentPath, openApi, problemOf } from './api.ts';

/** Two bodies for each operation that makes something, and for each test another name where it can be made only once. */
const bodies: Readonly<Record<string, (test: string) => readonly [object, object]>> = {
  'runs.schedule': () => [{ task: 'noop' }, { task: 'noop', parameters: { a: 1 } }],
  'runs.scheduleBatch': () => [
    { runs: [{ task: 'noop' }, { task: 'other', queue: 'q' }] },
    { runs: [{ task: 'noop' }] },
  ],
  'environments.create': (test) => [{ name: `made-${test}` }, { name: `another-${test}` }],
};

describe('HTTP: Idempotency-Key', { timeout: 60_000 }, () => {
  let api: Api;
  before(async () => {
    api = await openApi();
  });
  after(() => api[Symbol.asyncDispose]());

  const post = (path: string, body: unknown, key: string): Promise<Answer> =>
    api.call('POST', path, body, { 'idempotency-key': key });
  const said = ({ status, headers, body }: Answer) => ({ status, location: headers['location'], body });
  const countMade = async (): Promise<number> => {
    const [row] = await api.base.store.query<{ count: number }>({
      name: '',
      text: 'select (select count(*) from cloudcode.runs)::integer + (select count(*) from cloudcode.environments)::integer as count',
    });
    return row?.count ?? 0;
  };
  const pathOf = ({ path }: Operation): string => path.replace(':environment', 'testing');

  for (const each of operations.filter(makesSomething)) {
    const bodiesOf = bodies[each.name] ?? (() => []);

    it(`${each.name}: the same key again gives the first answer, and makes nothing`, async () => {
      const [body] = bodiesOf('again');
      const first = await post(pathOf(each), body, 'again');
      assert.equal(first.status, 201, JSON.stringify(first.body));
      const made = await countMade();
      assert.deepEqual(said(await post(pathOf(each), body, 'again')), said(first));
      assert.equal(await countMade(), made);
    });

    it(`${each.name}: the same key with another body is refused, and makes nothing`, async () => {
      const [body, another] = bodiesOf('reused');
      assert.equal((await post(pathOf(each), body, 'reused')).status, 201);
      const made = await countMade();
      const refused = await post(pathOf(each), another, 'reused');
      assert.equal(refused.status, 422);
      assert.equal(problemOf(refused).code, 'idempotency_key_reused');
      assert.equal(await countMade(), made);
    });

    it(`${each.name}: twenty at once with one key make it once, and have one answer`, async () => {
      const [body] = bodiesOf('once');
      const before = await countMade();
      const answers = await Promise.all(Array.from({ length: 20 }, () => post(pathOf(each), body, 'at once')));
      for (const answer of answers) assert.deepEqual(said(answer), said(answers[0] as Answer));
      const { runs: { length = 1 } = {} } = body as { readonly runs?: readonly object[] };
      assert.equal(await countMade(), before + length);
    });

    for (const key of ['', 'ü', 'x'.repeat(256)]) {
      it(`${each.name}: the key ${JSON.stringify(key.slice(0, 10))} is refused`, async () => {
        assert.equal(problemOf(await post(pathOf(each), bodiesOf('refused')[0], key)).code, 'invalid_idempotency_key');
      });
    }
  }

  it('a key counts for one operation in one environment', async () => {
    const run = (await post('runs', { task: 'noop' }, 'one of each')).body as Run;
    const batch = (await post('runs/batch', { runs: [{ task: 'noop' }] }, 'one of each')).body as { runs: Run[] };
    assert.notEqual(batch.runs[0]?.id, run.id);
    const elsewhere = await post('/api/v1/environments/staging/runs', { task: 'noop' }, 'one of each');
    assert.equal(problemOf(elsewhere).code, 'unknown_task');
  });

  it('the first answer comes also when the run has become another since', async () => {
    const first = await post('runs', { task: 'noop', after: 60_000 }, 'cancelled since');
    const { id } = first.body as Run;
    assert.equal((await api.call('POST', `runs/${id}/cancel`)).status, 200);
    assert.deepEqual(said(await post('runs', { task: 'noop', after: 60_000 }, 'cancelled since')), said(first));
  });

  it('a run that was there already, by its `key`, is answered with 200 each time', async () => {
    const { body } = await api.call('POST', 'runs', { task: 'noop', key: 'k', after: 60_000 });
    for (let count = 0; count < 2; count += 1) {
      const answer = await post('runs', { task: 'noop', key: 'k' }, 'found');
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.body, body);
    }
  });

  it('a refusal is not kept: what was refused can be asked for again', async () => {
    assert.equal(problemOf(await post('runs', { task: 'later' }, 'refused')).code, 'unknown_task');
    assert.equal((await post('runs', { task: 'noop' }, 'refused')).status, 201);
  });

  it('who asks while the first is under way waits for its answer, and makes it when that fails', async () => {
    const { store } = api.base;
    const request = { environment: 'testing', operation: 'runs.schedule', key: 'waited for', body: 1 };
    for (const outcome of ['answers', 'fails'] as const) {
      const isUnderWay = Promise.withResolvers<null>();
      const end = Promise.withResolvers<null>();
      const order: string[] = [];
      const first = answerOnce(store, { ...request, key: outcome }, async () => {
        isUnderWay.resolve(null);
        await end.promise;
        order.push('first');
        if (outcome === 'fails') throw new Error('as it happens');
        return { answer: { status: 201, location: null, text: '"first"' }, onCommitted: () => undefined };
      }).catch(() => null);
      await isUnderWay.promise;
      const second = answerOnce(store, { ...request, key: outcome }, async () => {
        order.push('second');
        return { answer: { status: 201, location: null, text: '"second"' }, onCommitted: () => undefined };
      });
      await isWaiting();
      assert.deepEqual(order, []);
      end.resolve(null);
      await first;
      assert.equal((await second).text, outcome === 'answers' ? '"first"' : '"second"');
      assert.deepEqual(order, outcome === 'answers' ? ['first'] : ['first', 'second']);
    }
  });

  /** Until a statement waits for the key of another transaction. */
  const isWaiting = async (): Promise<void> => {
    const text = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%idempotency_keys%'`;
    while ((await api.base.store.query({ name: '', text })).length === 0);
  };

  it('after 24 hours a key is free, whether it was pruned or not, and it is pruned', async () => {
    const { store } = api.base;
    const first = (await post('runs', { task: 'noop' }, 'old')).body as Run;
    const age = `update cloudcode.idempotency_keys set created_at = now() - interval '24 hours 1 second' where key = 'old'`;
    await store.query({ name: '', text: age });
    const second = (await post('runs', { task: 'noop' }, 'old')).body as Run;
    assert.notEqual(second.id, first.id);
    assert.deepEqual((await post('runs', { task: 'noop' }, 'old')).body, second);
    await store.query({ name: '', text: age });
    await pruneIdempotencyKeys(store, new AbortController().signal);
    const left = await store.query({
      name: '',
      text: `select key from cloudcode.idempotency_keys where key in ('old', 'again')`,
    });
    assert.deepEqual(
      left,
      operations.filter(makesSomething).map(() => ({ key: 'again' })),
    );
  });

  it('what makes nothing passes it over', async () => {
    const { id } = (await api.call('POST', 'runs', { task: 'noop', after: 60_000 })).body as Run;
    assert.equal((await post(`runs/${id}/cancel`, undefined, 'ü')).status, 200);
    assert.equal(makesSomething(resources.runs.cancel), false);
    assert.equal((await post(`${environmentPath}/queues/q/pause`, undefined, 'again')).status, 200);
  });
});
