import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../../src/engine/core/run.ts';
import { getRun } from '../../../src/engine/operations/get-run.ts';
import { type Api, environmentPath, openApi, problemOf } from './api.ts';

const most = 250;
/** Values that cost much to read, check and write. */
const objects = (count: number): object => ({ list: Array.from({ length: count }, (_, index) => ({ a: index % 10 })) });

/** The longest turn of this thread's loop while `work` goes on, in milliseconds of processor time: what other processes do does not count. */
async function maxLoopDelay(work: () => Promise<unknown>): Promise<number> {
  let [longest, isOver] = [0, false];
  let last = process.threadCpuUsage();
  const turn = (): void => {
    const now = process.threadCpuUsage();
    longest = Math.max(longest, now.user + now.system - last.user - last.system);
    last = now;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  await new Promise((resolve) => setImmediate(resolve));
  isOver = true;
  return longest / 1000;
}

describe('large bodies', { timeout: 240_000 }, () => {
  let api: Api;
  before(async () => {
    api = await openApi();
  });
  after(() => api[Symbol.asyncDispose]());

  const headers = { host: '127.0.0.1:4000', 'content-type': 'application/json' };
  const post = (payload: string) =>
    api.server.inject({ method: 'POST', url: `${environmentPath}/runs`, headers, payload });
  const get = (id: string) =>
    api.server.inject({ method: 'GET', url: `${environmentPath}/runs/${id}`, headers: { host: headers.host } });

  for (const [name, payload, status] of [
    ['many objects', JSON.stringify({ task: 'noop', parameters: objects(400_000) }), 201],
    ['many objects, with a key', JSON.stringify({ task: 'noop', key: 'large', parameters: objects(400_000) }), 201],
    ['no JSON', `[${'1,'.repeat(3_900_000)}x]`, 400],
    ['more parameters than are allowed', JSON.stringify({ task: 'noop', parameters: objects(700_000) }), 422],
  ] as const) {
    it(`holds the loop of its runner up for less than ${most} ms: ${name}`, async () => {
      await post(JSON.stringify({ task: 'noop', parameters: { text: 'x'.repeat(200_000) } })); // the thread is there
      let answer: Awaited<ReturnType<typeof post>> | undefined;
      const longest = await maxLoopDelay(async () => (answer = await post(payload)));
      assert.equal(answer?.statusCode, status);
      assert.ok(longest < most, `${longest} ms`);
    });
  }

  it('so does the answer with a run of 5 MB', async () => {
    const keys = Object.fromEntries(Array.from({ length: 400_000 }, (_, index) => [`k${index}`, 1]));
    const { id } = (await post(JSON.stringify({ task: 'noop', parameters: keys }))).json<Run>();
    let text = '';
    const longest = await maxLoopDelay(async () => (text = (await get(id)).body));
    assert.ok(longest < most, `${longest} ms`);
    assert.deepEqual(JSON.parse(text), await getRun(api.base.store, 'testing', id));
  });

  for (const [name, length] of [
    ['small', 10],
    ['large', 200_000],
  ] as const) {
    describe(`a ${name} body is taken and refused in the same words as any other`, () => {
      const filler = 'é🙂 \u2028\ud800"\\'.repeat(length / 10);

      it('the run is answered as it is stored, whatever it holds', async () => {
        const parameters = { filler, deep: [{ a: [1.5, null, true] }], ['__proto__ ']: 1 };
        const answer = await api.call('POST', 'runs', { task: 'noop', queue: 'q', parameters });
        assert.equal(answer.status, 201);
        assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
        const run = answer.body as Run;
        assert.deepEqual(run.parameters, parameters);
        assert.deepEqual(run, await getRun(api.base.store, 'testing', run.id));
        assert.deepEqual((await api.call('GET', `runs/${run.id}`)).body, run);
        assert.deepEqual(
          (await api.call('POST', `runs/${run.id}/cancel`)).body,
          await getRun(api.base.store, 'testing', run.id),
        );
      });

      for (const [what, body, code, says] of [
        [
          'a mistake in its JSON',
          `{"task":"noop",\n"parameters":{"filler":${JSON.stringify(filler)}},}`,
          'invalid_body',
          /line 2, column \d+: expected a key in double quotes, found "}"/,
        ],
        [
          'bytes that are no UTF-8',
          Buffer.concat([Buffer.from(JSON.stringify({ task: 'noop', filler })), Buffer.from([0xff])]),
          'invalid_body',
          /UTF-8/,
        ],
        ['no object', JSON.stringify([filler]), 'invalid_body', /an array/],
        [
          'an option that is not there',
          JSON.stringify({ task: 'noop', paramters: { filler } }),
          'unknown_option',
          /Did you mean `parameters`\?/,
        ],
        [
          'parameters that are no object',
          JSON.stringify({ task: 'noop', parameters: [filler] }),
          'invalid_parameters',
          /an array/,
        ],
        [
          'a task that is not there',
          JSON.stringify({ task: 'noops', parameters: { filler } }),
          'unknown_task',
          /Did you mean `noop`\?/,
        ],
      ] as const) {
        it(what, async () => {
          const problem = problemOf(await api.call('POST', 'runs', body));
          assert.equal(problem.code, code);
          assert.match(problem.detail, says);
        });
      }
    });
  }

  it('are read where parameters can be, and nowhere else', async () => {
    const body = { queue: 'x'.repeat(200_000) };
    for (const path of ['queues/pause', `runs/${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}/cancel`]) {
      assert.equal(problemOf(await api.call('POST', path, body)).code, 'body_too_large');
    }
    assert.deepEqual(api.logged, []);
  });

  it('many at once are all taken', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        api.call('POST', 'runs', { task: 'noop', parameters: { index, text: 'x'.repeat(500_000) } }),
      ),
    );
    assert.deepEqual(
      answers.map(({ status, body }) => [status, ((body as Run).parameters as { index: number }).index]),
      answers.map((_, index) => [201, index]),
    );
  });
});
