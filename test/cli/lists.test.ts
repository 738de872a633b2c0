import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { createServer } from '../../src/service/http/create-server.ts';
import { cancelRun } from '../../src/engine/operations/cancel-run.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { alterRuns, testStore, type TestStore } from '../support/store.ts';
import { until, writeProject } from '../support/runtime.ts';
import { cloudcode, documentOf, startCloudcode, type Finished } from './cloudcode.ts';

describe('CLI: lists, and single runs', { timeout: 300_000 }, () => {
  let base: TestStore;
  const count = 420;
  before(async () => {
    base = await testStore();
    for (let number = 0; number < count; number += 1)
      await scheduleRun(base.store, 'testing', {
        task: number % 2 === 0 ? 'noop' : 'other',
        parameters: { number },
        after: 600_000,
      });
    await scheduleRun(base.store, 'testing', { task: 'noop', queue: 'line\nbreak \u001b[31m' });
  });
  after(() => base[Symbol.asyncDispose]());

  const ask = (...args: string[]): Promise<Finished> => cloudcode([...args, '--database', base.store.url]);
  const runsOf = async (...args: string[]): Promise<readonly Run[]> =>
    documentOf<{ runs: Run[] }>(await ask('runs', '--json', ...args)).runs;

  it('50 runs unless --limit says otherwise: any number', async () => {
    assert.equal((await runsOf()).length, 50);
    assert.equal((await runsOf('--limit', '3')).length, 3);
    const all = await runsOf('--limit', '100000');
    assert.equal(all.length, count + 1);
    assert.equal(new Set(all.map((run) => run.id)).size, count + 1);
    assert.deepEqual(
      all.slice(1, 4).map((run) => run.parameters),
      [419, 418, 417].map((number) => ({ number })),
    );
    assert.equal((await runsOf('--limit', '401')).length, 401);
  });

  it('filters by state, task, queue and time, and says what is no time', async () => {
    assert.equal((await runsOf('--task', 'other', '--limit', '1000')).length, count / 2);
    assert.equal((await runsOf('--state', 'queued')).length, 1);
    assert.equal((await runsOf('--queue', 'line\nbreak \u001b[31m')).length, 1);
    assert.deepEqual(await runsOf('--state', 'dead'), []);
    assert.deepEqual(await runsOf('--key', 'nothing', '--since', '1h'), []);
    assert.equal((await runsOf('--task', 'other', '--since', '1h', '--limit', '1000')).length, count / 2);
    assert.deepEqual(await runsOf('--task', 'other', '--until', '1h'), []);
    assert.deepEqual(await runsOf('--until', '2000-01-01'), []);
    const search = await ask('runs', '--search', 'no such text', '--task', 'other');
    assert.equal(search.status, 0);
    assert.match(search.stderr, new RegExp(`Looked at the newest ${count / 2} runs of the other filters\\.`));
    const noTime = await ask('runs', '--since', 'yesterday');
    assert.equal(noTime.status, 2);
    assert.match(noTime.stderr, /--since is "yesterday"[\s\S]*--since 1h/);
    const noDeployment = await ask('runs', '--deployment', 'latest');
    assert.equal(noDeployment.status, 2);
    assert.match(noDeployment.stderr, /`deployment` is `latest`/);
    const refused = await ask('runs', '--state', 'faild');
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /`faild`[\s\S]*Did you mean `failed`\?/);
  });

  it('--json leaves out of a list what is over 4 KB, and names it, from a store and from a server alike; runs show has it', async () => {
    const { id } = await scheduleRun(base.store, 'testing', {
      task: 'noop',
      parameters: { text: 'x'.repeat(4_900_000) },
      after: 600_000,
    });
    const server = createServer({
      store: base.store,
      project: { name: 'app', folder: '/nowhere' },
      log: () => undefined,
    });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    try {
      for (const where of [
        ['--database', base.store.url],
        ['--url', url],
      ]) {
        const [run] = documentOf<{ runs: (Run & { omitted?: string[] })[] }>(
          await cloudcode(['runs', '--json', '--limit', '1', ...where]),
        ).runs;
        assert.deepEqual([run?.id, run?.parameters, run?.omitted], [id, null, ['parameters']]);
        assert.equal(
          (documentOf<Run>(await cloudcode(['runs', 'show', id, '--json', ...where])).parameters as { text: string })
            .text.length,
          4_900_000,
        );
      }
    } finally {
      await server.close();
      await cancelRun(base.store, 'testing', id);
      await alterRuns(base.store, `delete from cloudcode.runs where id = '${id}'`);
    }
  });

  it('a table is one line a run, whatever its names hold, without colours when it is no terminal', async () => {
    const { stdout, stderr, status } = await ask('runs', '--limit', '2');
    assert.equal(status, 0);
    assert.equal(stderr, '');
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.length, 3);
    assert.match(lines[0] ?? '', /^RUN +TASK +STATE +QUEUE +WHEN/);
    assert.match(lines[1] ?? '', /noop +queued +line\\nbreak \\e\[31m +due (now|\d+ s ago)/);
    assert.match(lines[2] ?? '', /other +scheduled +- +in \d+ min/);
    assert.doesNotMatch(stdout, /\u001b/);
    assert.equal((await ask('runs', '--state', 'dead')).stdout, 'No runs.\n');
  });

  it('queues: a row each', async () => {
    assert.match(
      (await ask('queues')).stdout,
      /^QUEUE +QUEUED +LATER +RUNNING +OLDEST DUE\nline\\nbreak \\e\[31m +1 +0 +- +/,
    );
    const { queues } = documentOf<{ queues: object[] }>(await ask('queues', '--json'));
    assert.deepEqual(
      queues.map((queue) => ({ ...queue, oldestDueAt: '' })),
      [{ name: 'line\nbreak \u001b[31m', queued: 1, scheduled: 0, running: null, oldestDueAt: '', paused: false }],
    );
  });

  it('runs show, cancel, retry and logs', async () => {
    const [run] = await runsOf('--task', 'other', '--limit', '1');
    const id = run?.id ?? '';
    assert.deepEqual(documentOf(await ask('runs', 'show', id, '--json')), run);
    assert.match((await ask('runs', 'show', id)).stdout, /state +scheduled\n[\s\S]*due +\S+Z \(in \d+ min\)/);
    assert.equal(documentOf<Run>(await ask('runs', 'cancel', id, '--json')).state, 'cancelled');
    const again = await ask('runs', 'cancel', id);
    assert.equal(again.status, 2);
    assert.match(again.stderr, /run_already_final/);
    assert.equal(documentOf<Run>(await ask('runs', 'retry', id, '--json')).state, 'queued');
    assert.match((await ask('runs', 'retry', id)).stderr, /run_not_final/);
    assert.deepEqual(documentOf(await ask('runs', 'logs', id, '--json')), { lines: [] });
    for (const verb of ['show', 'cancel', 'retry', 'logs'])
      assert.equal((await ask('runs', verb, 'nothing')).status, 2);
    assert.equal((await ask('runs', '--environment', 'stagin')).status, 2);
  });

  it('runs show, cancel and retry take several: every one is tried, and the exit status is the worst', async () => {
    const [first, second] = await runsOf('--task', 'other', '--state', 'scheduled', '--limit', '2');
    const ids = [first?.id ?? '', second?.id ?? ''];
    assert.deepEqual(documentOf(await ask('runs', 'show', ...ids, '--json')), { runs: [first, second] });
    const both = (await ask('runs', 'show', ...ids)).stdout;
    for (const id of ids) assert.match(both, new RegExp(`run +${id}`));
    const cancelled = await ask('runs', 'cancel', ids[0] ?? '', 'nothing', ids[1] ?? '', ids[0] ?? '', '--json');
    assert.equal(cancelled.status, 2);
    assert.match(cancelled.stderr, /`nothing`.*run_not_found/);
    const document = documentOf<{ runs: Run[]; problems: { id: string; code: string }[] }>(cancelled);
    assert.deepEqual(
      document.runs.map(({ id, state }) => [id, state]),
      ids.map((id) => [id, 'cancelled']),
    );
    assert.deepEqual(
      document.problems.map(({ id, code }) => [id, code]),
      [['nothing', 'run_not_found']],
    );
    const retried = await ask('runs', 'retry', ...ids, '--json');
    assert.equal(retried.status, 0, retried.stderr);
    assert.deepEqual(
      documentOf<{ runs: Run[] }>(retried).runs.map(({ state }) => state),
      ['queued', 'queued'],
    );
    for (const id of ids) assert.equal((await ask('runs', 'cancel', id)).status, 0);
  });

  it('cancel of a running run says that it was asked for: the run is running until its processes are gone', async () => {
    const { id } = await scheduleRun(base.store, 'testing', { task: 'noop' });
    await until(20_000, 'it is claimed', async () => ((await base.claim()).some((run) => run.id === id) ? true : null));
    assert.match((await ask('runs', 'show', id)).stdout, /^state +running$/m);
    assert.match(
      (await ask('runs', 'cancel', id)).stdout,
      /^state +running, its cancel was asked for: it ends when its processes are gone$/m,
    );
    assert.match(
      (await ask('runs', 'cancel', id, id)).stdout,
      /^state +running, its cancel was asked for/m,
      'also when asked again',
    );
    const waiting = await scheduleRun(base.store, 'testing', { task: 'noop', after: 900_000 });
    assert.match(
      (await ask('runs', 'cancel', waiting.id, id)).stdout,
      /^state +cancelled$[\s\S]*^state +running, its cancel was asked for/m,
    );
  });

  it('schedule and run say on standard error when a key found a run, and that the time they gave had no effect, in front of a store and of a server', async () => {
    const server = createServer({
      store: base.store,
      project: { name: 'app', folder: '/nowhere' },
      log: () => undefined,
    });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    try {
      for (const where of [
        ['--database', base.store.url],
        ['--url', url],
      ]) {
        const schedule = (...args: string[]): Promise<Finished> =>
          cloudcode(['schedule', 'noop', '--json', ...where, ...args]);
        const key = `invoice ${where[0] ?? ''}`;
        const first = await schedule('--key', key, '--after', '900000');
        assert.equal(first.stderr, '', 'a new run is no news');
        const run = documentOf<Run>(first);
        for (const time of [['--after', '5'], ['--at', '2999-01-02T03:04:05Z'], []]) {
          const again = await schedule('--key', key, ...time);
          assert.equal(again.status, 0);
          assert.deepEqual(documentOf<Run>(again), run);
          assert.match(
            again.stderr,
            new RegExp(
              `Nothing new was scheduled: run ${run.id} of noop with the key ${key} is unfinished\\. Its due time, .* as they were`,
            ),
          );
        }
        const following = startCloudcode(['run', 'noop', '--key', key, '--url', url]);
        await following.says(new RegExp(`Nothing new was scheduled: run ${run.id}`));
        assert.equal((await cloudcode(['runs', 'cancel', run.id, ...where])).status, 0);
        assert.equal(await following.ended, 4);
      }
    } finally {
      await server.close();
    }
  });

  it('schedule prints the run, takes local and exact times, and tells a task of the folder that was never deployed', async () => {
    assert.equal(
      documentOf<Run>(await ask('schedule', 'noop', '--at', '2999-01-02T03:04:05Z', '--json')).dueAt,
      '2999-01-02T03:04:05.000Z',
    );
    assert.equal(
      documentOf<Run>(await ask('schedule', 'noop', '--at', '2999-01-02 03:04', '--json')).dueAt,
      new Date('2999-01-02T03:04:00').toISOString(),
    );
    const later = documentOf<Run>(await ask('schedule', 'noop', '--after', '90000', '--json'));
    assert.equal(Date.parse(later.dueAt) - Date.parse(later.createdAt), 90_000);
    const folder = writeProject({ fresh: 'export async function run() {}' });
    const unknown = await ask('schedule', 'fresch', '--project', folder);
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /Did you mean `fresh`\?/);
    assert.equal(documentOf<Run>(await ask('schedule', 'fresh', '--json', '--project', folder)).state, 'queued');
    rmSync(folder, { recursive: true, force: true });
  });
});
