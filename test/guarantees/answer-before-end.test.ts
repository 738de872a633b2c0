import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isFinal, type Run } from '../../src/engine/core/run.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { until } from '../support/runtime.ts';
import { openStage, type Stage } from '../support/stage.ts';

/** Its process ends in order for most of the two seconds that it may take, and longer than any runner of these tests needs to be lost. */
const lingers = `import { appendFileSync } from 'node:fs';
  export async function run({ file, throws }: { file: string; throws?: boolean }) {
    appendFileSync(file, CloudCode.run.attempt + ' ');
    process.on('exit', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_800));
    if (throws) throw new RangeError('the answer');
    return { answer: 42 };
  }`;

let stage: Stage;
before(async () => {
  stage = await openStage({ lingers });
});
after(async () => {
  await stage[Symbol.asyncDispose]();
});

interface Lingering {
  readonly id: string;
  readonly executed: () => string;
}

async function schedule(name: string, parameters: object = {}): Promise<Lingering> {
  const file = join(stage.folder, name);
  const { id } = await scheduleRun(stage.store, 'testing', {
    task: 'lingers',
    queue: 'q',
    parameters: { file, ...parameters },
  });
  return { id, executed: () => readFileSync(file, 'utf8') };
}

const shown = (id: string): Promise<Run> => getRun(stage.store, 'testing', id);

async function hasAnswered(id: string): Promise<void> {
  await until(20_000, 'its answer is stored before its end', async () =>
    ((await shown(id)).attempts[0]?.answeredAt ?? null) === null ? null : true,
  );
}

async function ended(id: string): Promise<Run> {
  return until(30_000, 'it is over', async () => {
    const run = await shown(id);
    return isFinal(run.state) ? run : null;
  });
}

for (const throws of [false, true]) {
  test(`promise 3: an answer stands when its runner is killed while the process of the attempt ends: ${throws ? 'an error' : 'a value'}`, async () => {
    const runner = await stage.start();
    const { id, executed } = await schedule(`killed-${throws}`, { throws });
    await hasAnswered(id);
    await runner.kill('SIGKILL');
    const next = await stage.start();
    const { state, result, error, attempts } = await ended(id);
    assert.deepEqual(
      [state, result, error?.message],
      throws ? ['failed', null, 'the answer'] : ['succeeded', { answer: 42 }, undefined],
    );
    assert.deepEqual(
      attempts.map(({ outcome, error: why }) => [outcome, why?.name]),
      [throws ? ['threw', 'RangeError'] : ['returned', undefined]],
    );
    assert.equal(executed(), '1 ');
    await next.kill('SIGTERM');
  });
}

test('promise 3: an answer stands when its runner loses the database while the process of the attempt ends, and another takes over', async () => {
  await using proxy = await startCuttingProxy(stage.url);
  const runner = await stage.start({ url: proxy.url, leaseMs: 2_000 });
  const { id, executed } = await schedule('silent');
  await hasAnswered(id);
  proxy.silence(true);
  const other = await stage.start();
  const { state, result, attempts } = await ended(id);
  assert.deepEqual(
    [state, result, attempts.map(({ outcome }) => outcome)],
    ['succeeded', { answer: 42 }, ['returned']],
  );
  assert.equal(executed(), '1 ');
  proxy.silence(false);
  await runner.kill('SIGKILL');
  await other.kill('SIGTERM');
});

test('promise 3: an answer is stored once though nobody hears that it was, or the request is lost', async () => {
  for (const where of ['answer', 'request'] as const) {
    await using proxy = await startCuttingProxy(stage.url);
    const runner = await stage.start({ url: proxy.url });
    const { id, executed } = await schedule(`cut-${where}`);
    proxy.cutAt('store_answer', where);
    await hasAnswered(id);
    assert.equal(proxy.hasCut(), true);
    const { state, result, attempts } = await ended(id);
    assert.deepEqual(
      [state, result, attempts.map(({ outcome }) => outcome)],
      ['succeeded', { answer: 42 }, ['returned']],
    );
    assert.equal(executed(), '1 ');
    await runner.kill('SIGTERM');
  }
});
