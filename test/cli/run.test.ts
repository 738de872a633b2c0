import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { until, writeProject } from '../support/runtime.ts';
import { testDatabaseUrl, type TestDatabase } from '../support/postgres.ts';
import { cloudcode, documentOf, startCloudcode } from './cloudcode.ts';

const tasks = {
  echo: "export async function run(parameters: object) { console.log('hello'); console.error('oh'); return parameters; }",
  throws: "export async function run() { throw new TypeError('no good'); }",
  dies: 'export const config = { maxAttempts: 1 }; export async function run() { process.exit(0); }',
  waits:
    "export async function run() { console.log('waiting'); await new Promise((resolve) => setTimeout(resolve, 60_000)); }",
  fans: `export async function run({ left }: { left: number }) {
    if (left > 0) await CloudCode.scheduleTask({ task: 'fans', parameters: { left: left - 1 } });
    if (left === 2) await CloudCode.scheduleTask({ task: 'echo', after: 500_000 });
    if (left === 1) await CloudCode.scheduleTask({ task: 'fails_once', parameters: {} });
  }`,
  fails_once: 'export async function run() { if (CloudCode.run.attempt === 1) process.exit(3); }',
  prints:
    "export async function run() { for (let line = 0; line < 2000; line += 1) console.log('line ' + line + ' of many that fill a pipe'); return 'x'.repeat(500_000); }",
};

describe('CLI: run works by itself, without a server', { timeout: 240_000 }, () => {
  let folder = '';
  let database: TestDatabase;
  const others: (() => Promise<void>)[] = [];
  before(async () => {
    folder = writeProject(tasks);
    database = await testDatabaseUrl();
  });
  after(async () => {
    for (const dispose of others) await dispose();
    await database.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (args: readonly string[], input?: string) =>
    cloudcode(['run', ...args, '--project', folder, '--database', database.url], input === undefined ? {} : { input });
  const freshDatabase = async (): Promise<string> => {
    const fresh = await testDatabaseUrl();
    others.push(fresh.dispose);
    return fresh.url;
  };

  it('succeeded: 0; the console is on standard error, the run on standard output', async () => {
    const finished = await run(['echo', '--parameters', '{"a":[1,"é"]}']);
    assert.equal(finished.status, 0, finished.stderr);
    assert.match(finished.stderr, /^hello\nerror oh\n/);
    assert.match(finished.stdout, /state +succeeded/);
    assert.match(finished.stdout, /result +\{"a":\[1,"é"\]\}/);
    assert.doesNotMatch(
      finished.stdout + finished.stderr,
      /\u001b/,
      'no colours or cursor movements without a terminal',
    );
  });

  for (const [task, status, state] of [
    ['echo', 0, 'succeeded'],
    ['throws', 1, 'failed'],
    ['dies', 3, 'dead'],
  ] as const) {
    it(`${state}: exit status ${status}, and with --json the run is all there is on standard output`, async () => {
      const finished = await run([task, '--json']);
      assert.equal(finished.status, status, finished.stderr);
      const document = documentOf<Run>(finished);
      assert.equal(document.state, state);
      assert.equal(document.task, task);
    });
  }

  it('cancelled: exit status 4', async () => {
    await using started = startCloudcode(['run', 'waits', '--json', '--project', folder, '--database', database.url]);
    await started.says(/waiting/);
    const listed = documentOf<{ runs: Run[] }>(
      await cloudcode(['runs', '--task', 'waits', '--state', 'running', '--json', '--database', database.url]),
    );
    const id = listed.runs[0]?.id ?? '';
    assert.equal((await cloudcode(['runs', 'cancel', id, '--database', database.url])).status, 0);
    assert.equal(await started.ended, 4);
    assert.equal((JSON.parse(started.stdout()) as Run).state, 'cancelled');
  });

  it('an unknown task: 2, and the nearest name', async () => {
    const finished = await run(['ecoh']);
    assert.equal(finished.status, 2);
    assert.match(finished.stderr, /no task `ecoh`[\s\S]*Did you mean `echo`\?/);
    assert.equal(finished.stdout, '');
  });

  it('--parameters from a file and from standard input', async () => {
    const file = join(folder, 'parameters.json');
    writeFileSync(file, '\ufeff{ "from": "file" }\n');
    assert.deepEqual(documentOf<Run>(await run(['echo', '--json', '--parameters', `@${file}`])).result, {
      from: 'file',
    });
    assert.deepEqual(documentOf<Run>(await run(['echo', '--json', '--parameters', '-'], '{"from":"input"}')).result, {
      from: 'input',
    });
    const refused = await run(['echo', '--parameters', '-'], '{"from"\n"input"}');
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /line 2, column 1: expected :, found "\\"input\\""/);
  });

  it('--drain waits for what it has led to, through a back-off, and names what it leaves', async () => {
    const url = await freshDatabase();
    const at = ['--project', folder, '--database', url];
    assert.equal((await cloudcode(['queues', 'pause', 'held\u001b[31m', ...at])).status, 0);
    assert.equal((await cloudcode(['run', 'echo', ...at])).status, 0);
    assert.equal((await cloudcode(['schedule', 'echo', '--queue', 'held\u001b[31m', ...at])).status, 0);
    const finished = await cloudcode(['run', 'fans', '--parameters', '{"left":3}', '--drain', '--json', ...at]);
    assert.equal(finished.status, 0, finished.stderr);
    assert.equal(documentOf<Run>(finished).task, 'fans');
    assert.match(finished.stderr, /Left: 1 run due later, 1 run in paused queues \(held\\e\[31m\)\./);
    const { runs } = documentOf<{ runs: Run[] }>(await cloudcode(['runs', '--json', ...at]));
    assert.deepEqual(
      runs.filter((each) => each.task === 'fans').map((each) => each.state),
      ['succeeded', 'succeeded', 'succeeded', 'succeeded'],
    );
    assert.deepEqual(
      runs.find((each) => each.task === 'fails_once')?.attempts.map((attempt) => attempt.outcome),
      ['exited', 'returned'],
    );
  });

  it('--drain does not wait for ever for a run of its own in a paused queue', async () => {
    const url = await freshDatabase();
    const at = ['--project', folder, '--database', url];
    assert.equal((await cloudcode(['queues', 'pause', 'held', ...at])).status, 0);
    const finished = await cloudcode(['run', 'echo', '--queue', 'held', '--drain', '--json', ...at]);
    assert.equal(finished.status, 1);
    assert.equal(documentOf<Run>(finished).state, 'queued');
    assert.match(finished.stderr, /paused queues \(held\)/);
  });

  it('before it exits it finishes what it has claimed', async () => {
    const url = await freshDatabase();
    const at = ['--project', folder, '--database', url];
    await cloudcode(['run', 'fans', '--parameters', '{"left":1}', ...at]);
    const { runs } = documentOf<{ runs: Run[] }>(await cloudcode(['runs', '--json', ...at]));
    assert.ok(
      runs.every((each) => each.state !== 'running'),
      JSON.stringify(runs.map((each) => each.state)),
    );
    assert.ok(runs.every((each) => each.attempts.every((attempt) => attempt.outcome !== 'cancelled')));
  });

  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`${signal}: ends soon with status ${status}; the run is given back and its attempt not counted`, async () => {
      const url = await freshDatabase();
      const started = startCloudcode(['run', 'waits', '--project', folder, '--database', url]);
      await started.says(/waiting/);
      started.child.kill(signal);
      assert.equal(await started.ended, status);
      assert.match(started.stderr(), /Interrupted\. Run \S+ is unfinished/);
      assert.equal(started.stdout(), '');
      const { runs } = documentOf<{ runs: Run[] }>(await cloudcode(['runs', '--json', '--database', url]));
      assert.deepEqual(
        runs.map((each) => [each.state, each.attempts.map((attempt) => attempt.outcome)]),
        [['queued', ['cancelled']]],
      );
    });
  }

  it('a reader that goes away (| head) is no error, and the run still ends', async () => {
    const started = startCloudcode(['run', 'prints', '--json', '--project', folder, '--database', database.url]);
    started.child.stdout?.destroy();
    started.child.stderr?.once('data', () => started.child.stderr?.destroy());
    assert.equal(await started.ended, 0);
    const listed = startCloudcode(['runs', '--json', '--task', 'prints', '--database', database.url]);
    await until(30_000, 'it prints', () => (listed.stdout() === '' ? null : true));
    assert.equal(await listed.ended, 0);
    assert.equal((JSON.parse(listed.stdout()) as { runs: Run[] }).runs[0]?.state, 'succeeded');
    for (const args of [['runs', '--json', '--database', database.url], ['runs', '--help'], ['--help']]) {
      const cut = startCloudcode(args);
      cut.child.stdout?.destroy();
      assert.equal(await cut.ended, 0);
      assert.equal(cut.stderr(), '');
    }
  });
});
