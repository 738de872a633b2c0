import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../../src/engine/core/run.ts';
import { type Api, openApi, problemOf } from './api.ts';

describe('HTTP: a batch schedules all its runs or none', { timeout: 60_000 }, () => {
  let api: Api;
  before(async () => {
    api = await openApi();
  });
  after(() => api[Symbol.asyncDispose]());

  const schedule = async (runs: readonly object[]): Promise<readonly Run[]> => {
    const { status, body } = await api.call('POST', 'runs/batch', { runs });
    assert.equal(status, 201, JSON.stringify(body));
    const ids = (body as { readonly runs: readonly { readonly id: string }[] }).runs;
    return Promise.all(ids.map(async ({ id }) => (await api.call('GET', `runs/${id}`)).body as Run));
  };
  const countRuns = async (): Promise<number> => {
    const text = 'select count(*)::integer as count from cloudcode.runs';
    const [row] = await api.base.store.query<{ count: number }>({ name: '', text });
    return row?.count ?? 0;
  };

  it('answers with their ids in the order of the request, each as it was asked for', async () => {
    const runs = await schedule([
      { task: 'noop', queue: 'z', parameters: { n: 0 } },
      { task: 'other', after: 60_000, parameters: { n: 1 } },
      { task: 'noop', queue: 'a', parameters: { n: 2 } },
      { task: 'noop', at: '2999-01-01T00:00:00Z', parameters: { n: 3 } },
      { task: 'noop', key: 'k', parameters: { n: 4 } },
    ]);
    assert.deepEqual(
      runs.map(({ task, queue, key, state, parameters }) => ({ task, queue, key, state, parameters })),
      [
        { task: 'noop', queue: 'z', key: null, state: 'queued', parameters: { n: 0 } },
        { task: 'other', queue: null, key: null, state: 'scheduled', parameters: { n: 1 } },
        { task: 'noop', queue: 'a', key: null, state: 'queued', parameters: { n: 2 } },
        { task: 'noop', queue: null, key: null, state: 'scheduled', parameters: { n: 3 } },
        { task: 'noop', queue: null, key: 'k', state: 'queued', parameters: { n: 4 } },
      ],
    );
  });

  it('within a queue they are in the order of the request', async () => {
    const runs = await schedule([3, 1, 2].map((n) => ({ task: 'noop', queue: 'ordered', parameters: { n } })));
    const claimed: string[] = [];
    for (let count = 0; count < runs.length; count += 1) {
      for (const run of (await api.base.claim()).filter(({ queue }) => queue === 'ordered')) {
        claimed.push(run.id);
        await api.base.finish(run, 'returned');
      }
    }
    assert.deepEqual(
      claimed,
      runs.map(({ id }) => id),
    );
  });

  it('a `key` that is taken, also by another of the batch, gives the run that has it', async () => {
    const [taken] = await schedule([{ task: 'noop', key: 'taken', after: 60_000 }]);
    const runs = await schedule([
      { task: 'noop', key: 'taken' },
      { task: 'noop', key: 'twice', after: 60_000 },
      { task: 'noop', key: 'twice' },
    ]);
    assert.equal(runs[0]?.id, taken?.id);
    assert.equal(runs[1]?.id, runs[2]?.id);
  });

  const good = { task: 'noop', queue: 'q' };
  const refused: readonly (readonly [what: string, runs: readonly unknown[], code: string, detail: RegExp])[] = [
    [
      'an unknown task',
      [good, good, { task: 'nop' }, { task: 'nap' }],
      'unknown_task',
      /^`runs\[2\]`: There is no task `nop`.*Did you mean `noop`\?/,
    ],
    ['an unknown option', [good, { task: 'noop', colour: 1 }], 'unknown_option', /^`runs\[1\]`: .*`colour`/],
    ['a bad time', [{ task: 'noop', at: 'x' }, good], 'invalid_at', /^`runs\[0\]`: /],
    ['a bad queue', [good, { task: 'noop', queue: '' }], 'invalid_queue', /^`runs\[1\]`: /],
    ['no object', [good, good, good, null], 'invalid_body', /^`runs\[3\]`: /],
    [
      'an environment',
      [good, { ...good, environment: 'production' }],
      'unknown_option',
      /^`runs\[1\]`: .*`environment`/,
    ],
  ];
  for (const [what, runs, code, detail] of refused) {
    it(`${what} in one of them refuses all, with its index`, async () => {
      const before = await countRuns();
      const problem = problemOf(await api.call('POST', 'runs/batch', { runs }));
      assert.equal(problem.code, code);
      assert.match(problem.detail, detail);
      assert.equal(await countRuns(), before);
    });
  }

  const bodies: readonly (readonly [body: unknown, detail: RegExp])[] = [
    [{ runs: [] }, /there are 0/],
    [{ runs: Array.from({ length: 1001 }, () => good) }, /there are 1001/],
    [{ runs: good }, /its `runs` is/],
    [{}, /its `runs` is undefined/],
    [[good], /no `0` in it/],
    [{ runs: [good], environment: 'production' }, /no `environment` in it/],
    ['"x"', /its `runs` is undefined/],
  ];
  for (const [body, detail] of bodies) {
    it(`${JSON.stringify(body).slice(0, 40)} is no batch`, async () => {
      const problem = problemOf(await api.call('POST', 'runs/batch', body));
      assert.equal(problem.code, 'invalid_body');
      assert.match(problem.detail, detail);
    });
  }

  it('a thousand in 200 queues, and others with the same queues in another order at the same time', async () => {
    const batch = Array.from({ length: 1000 }, (_, n) => ({ task: 'noop', queue: `many ${n % 200}`, key: `n${n}` }));
    const before = await countRuns();
    const unkeyed = batch.map(({ task, queue }) => ({ task, queue }));
    const answers = await Promise.all(
      [batch, unkeyed.toReversed(), batch.toReversed(), unkeyed].map((runs) =>
        api.call('POST', 'runs/batch', { runs }),
      ),
    );
    for (const { status, body } of answers) assert.equal(status, 201, JSON.stringify(body));
    assert.equal(await countRuns(), before + 3000);
    const text = 'select deadlocks::integer from pg_stat_database where datname = current_database()';
    assert.deepEqual(await api.base.store.query({ name: '', text }), [{ deadlocks: 0 }]);
  });
});
