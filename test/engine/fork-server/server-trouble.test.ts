import assert from 'node:assert/strict';
import { kill } from 'node:process';
import { after, before, test } from 'node:test';
import { childrenOf } from '../../../src/chaos/processes/runner-children.ts';
import { type KnownProcess, signalProcess } from '../../../src/chaos/processes/known-process.ts';
import type { Run } from '../../../src/engine/core/run.ts';
import { startRuntime, until, type Runtime } from '../../support/runtime.ts';

// Two attempts of one run at once would both want its place, which the kernel gives to one.
const takePlace = `
  import { createServer } from 'node:net';
  const takePlace = () => new Promise<void>((resolve, reject) => {
    createServer().once('error', reject).listen({ path: '\\0cloudcode-test-' + CloudCode.run.id }, () => resolve());
  });`;

const tasks: Record<string, string> = {
  waits: `${takePlace}
    export async function run() {
      await takePlace();
      console.log('began ' + CloudCode.run.attempt);
      if (CloudCode.run.attempt === 1) await new Promise((resolve) => setTimeout(resolve, 60_000));
      return process.ppid;
    }`,
  short: `${takePlace}
    export async function run() {
      await takePlace();
      console.log('began ' + CloudCode.run.attempt);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return process.ppid;
    }`,
  exits: `
    export async function run() {
      console.log('began ' + CloudCode.run.attempt);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      process.exit(CloudCode.run.attempt === 1 ? 7 : 0);
    }`,
};

let runtime: Runtime;
before(async () => {
  runtime = await startRuntime(
    { ...tasks, 'cloudcode.config.ts': 'export default { defaults: { maxAttempts: 2 } }' },
    { workerStart: 'fork', concurrency: 4 },
  );
});
after(async () => {
  await runtime[Symbol.asyncDispose]();
});

test('promise 2, forked: when the fork server is killed its runs are tried again, and another one is started', async () => {
  const before = await forkServer();
  const runs = await schedule('waits', 3);
  for (const run of runs) await runtime.printed(run, 'began 1');
  signalProcess(before, 'SIGKILL');
  for (const run of runs) {
    const over = await runtime.ended(run);
    assert.deepEqual(
      [over.state, ...over.attempts.map(({ outcome, signal }) => [outcome, signal])],
      ['succeeded', ['killed', 'SIGKILL'], ['returned', null]],
    );
  }
  const next = await forkServer();
  assert.notEqual(next.pid, before.pid);
  await isForkedAgain(next);
});

test('promise 2, forked: whenever the fork server is killed, no run is lost, and none runs twice at once', async () => {
  for (let round = 0; round < 3; round += 1) {
    const server = await forkServer();
    // It is being asked for workers at that very time: more than are waiting.
    const runs = await schedule('short', 4);
    signalProcess(server, 'SIGKILL');
    for (const run of runs) {
      const over = await runtime.ended(run);
      assert.equal(over.state, 'succeeded', JSON.stringify(over));
      assert.ok(
        over.attempts.slice(0, -1).every(({ outcome }) => outcome === 'killed' || outcome === 'lost'),
        JSON.stringify(over),
      );
    }
  }
});

test('promise 2, forked: while the fork server is stopped its runs end, and others are spawned', async () => {
  const server = await forkServer();
  await isForkedAgain(server);
  const [answers, exits] = [await runtime.schedule('short'), await runtime.schedule('exits')];
  await runtime.printed(answers, 'began 1');
  await runtime.printed(exits, 'began 1');
  kill(server.pid, 'SIGSTOP');
  try {
    const answered = await runtime.ended(answers);
    assert.deepEqual([answered.state, answered.result, answered.attempts.length], ['succeeded', server.pid, 1]);
    const others = await Promise.all((await schedule('short', 8)).map((run) => runtime.ended(run)));
    assert.deepEqual(
      others.map(({ state, attempts }) => [state, attempts.length]),
      others.map(() => ['succeeded', 1]),
    );
    assert.ok(
      others.some(({ result }) => result === process.pid),
      'some were spawned',
    );
    const exited = await runtime.ended(exits);
    assert.deepEqual(
      exited.attempts.map(({ exitCode }) => exitCode),
      [7, 0],
    );
  } finally {
    kill(server.pid, 'SIGCONT');
  }
  await isForkedAgain(server);
});

async function forkServer(): Promise<KnownProcess> {
  return until(20_000, 'there is a fork server', () => childrenOf(process.pid).forkServers[0] ?? null);
}

/** Runs are spawned until it is ready, or answers. */
async function isForkedAgain(server: KnownProcess): Promise<void> {
  await until(30_000, 'a run is forked by it', async () =>
    (await runtime.run('short')).result === server.pid ? true : null,
  );
}

async function schedule(task: string, count: number): Promise<Run[]> {
  return Promise.all(Array.from({ length: count }, () => runtime.schedule(task)));
}
