import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { until, writeProject } from '../support/runtime.ts';
import { cloudcode, documentOf, startCloudcode, type Started } from './cloudcode.ts';

const tasks = {
  echo: "export async function run(parameters: object) { console.log('hello'); return parameters; }",
  sleeps:
    "export async function run({ ms }: { ms: number }) { console.log('sleeping'); await new Promise((resolve) => setTimeout(resolve, ms)); return 'slept'; }",
};

interface Announcement {
  readonly url: string;
  readonly environment: string;
  readonly folder: string;
  readonly tasks: readonly string[];
  readonly pid: number;
}

const announcementOf = async (started: Started): Promise<Announcement> =>
  JSON.parse((await started.says(/^\{.*\}$/m))[0]) as Announcement;
const serversOf = (folder: string): string[] =>
  readdirSync(join(folder, '.cloudcode', 'servers')).filter((name) => name.endsWith('.json'));

describe('CLI: start serves a project on its embedded store, and commands find it', { timeout: 240_000 }, () => {
  let folder = '';
  let server: Started;
  let announced: Announcement;
  before(async () => {
    folder = writeProject(tasks);
    mkdirSync(join(folder, '.cloudcode', 'servers'), { recursive: true });
    writeFileSync(
      join(folder, '.cloudcode', 'servers', '1.json'),
      JSON.stringify({
        url: 'http://127.0.0.1:59',
        pid: 4_194_303,
        host: hostname(),
        startedAt: '2999-01-01T00:00:00.000Z',
      }),
    );
    writeFileSync(join(folder, '.cloudcode', 'servers', '2.json'), '{"url"');
    server = startCloudcode(['start', '--port', '0', '--json', '--project', folder]);
    announced = await announcementOf(server);
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it('with --json it announces itself with one document, and it is ready then', async () => {
    assert.deepEqual(
      { ...announced, url: '', pid: 0 },
      { url: '', environment: 'testing', folder, tasks: ['echo', 'sleeps'], pid: 0 },
    );
    assert.equal(announced.pid, server.child.pid);
    assert.equal((await fetch(`${announced.url}/ready`)).status, 200);
    assert.equal(server.stdout().trim().split('\n').length, 1);
  });

  it('the record of a dead process is gone, its own is there', () => {
    const records = serversOf(folder).map((name) => readFileSync(join(folder, '.cloudcode', 'servers', name), 'utf8'));
    assert.equal(records.filter((text) => text.includes(announced.url)).length, 1);
    assert.equal(records.filter((text) => text.includes('4194303')).length, 0);
  });

  it('a run that is scheduled over HTTP is claimed in the transaction that adds it', async () => {
    const waits: number[] = [];
    // Where the database is starved, one may have to wait for a lock, and is then claimed by itself.
    while (waits.length < 5 && !waits.includes(0)) {
      const run = documentOf<Run>(await cloudcode(['run', 'echo', '--json', '--url', announced.url], { cwd: folder }));
      waits.push(Date.parse(run.startedAt ?? '') - Date.parse(run.createdAt));
    }
    assert.ok(waits.includes(0), `they waited ${waits.join(', ')} ms`);
  });

  it('commands in the project work on it: also through a symbolic link, and from its folder', async () => {
    const finished = await cloudcode(['run', 'echo', '--parameters', '{"a":1}', '--json'], { cwd: folder });
    assert.equal(finished.status, 0, finished.stderr);
    assert.equal(finished.stderr, 'hello\n');
    const run = documentOf<Run>(finished);
    assert.deepEqual(run.result, { a: 1 });
    // The run's end may be known before the server has said it.
    await server.says(new RegExp(`echo ${run.id} attempt 1 returned`));
    await server.says(new RegExp(`echo ${run.id} scheduled\n`));
    const link = `${folder}-link`;
    symlinkSync(folder, link);
    const shown = await cloudcode(['runs', 'show', run.id, '--json', '--project', link]);
    rmSync(link);
    assert.deepEqual(documentOf<Run>(shown), run);
    assert.deepEqual(
      documentOf<{ lines: unknown[] }>(await cloudcode(['runs', 'logs', run.id, '--json', '--url', announced.url]))
        .lines.length,
      1,
    );
    assert.match((await cloudcode(['runs', 'logs', run.id, '--follow', '--project', folder])).stdout, /^\S+Z hello\n$/);
  });

  it('a server of another project is not taken for this one', async () => {
    const other = writeProject(tasks);
    mkdirSync(join(other, '.cloudcode', 'servers'), { recursive: true });
    writeFileSync(
      join(other, '.cloudcode', 'servers', '1.json'),
      JSON.stringify({
        url: announced.url,
        pid: announced.pid,
        host: hostname(),
        startedAt: '2026-01-01T00:00:00.000Z',
      }),
    );
    const finished = await cloudcode(['runs', '--json', '--project', other]);
    assert.deepEqual(documentOf(finished), { runs: [] });
    rmSync(other, { recursive: true, force: true });
  });

  it('a port in use: one clear error that names --port, status 2, and the first server goes on', async () => {
    const port = new URL(announced.url).port;
    const finished = await cloudcode(['start', '--port', port, '--project', folder]);
    assert.equal(finished.status, 2);
    assert.match(finished.stderr, new RegExp(`Port ${port} .*port_in_use[\\s\\S]*--port`));
    assert.equal((await fetch(`${announced.url}/ready`)).status, 200);
  });

  it('a second server shares the store, and a command finds whichever is left', async () => {
    const second = startCloudcode(['start', '--port', '0', '--no-runner', '--project', folder]);
    await second.says(/no runner/);
    assert.equal(serversOf(folder).filter((name) => name !== '2.json').length, 2);
    second.child.kill('SIGTERM');
    assert.equal(await second.ended, 0);
    assert.equal((await cloudcode(['queues', '--project', folder])).status, 0);
  });

  it('runs, queues and schedule work on it, and a queue of any name can be paused', async () => {
    for (const name of ['..', 'a/b c%2F', '\u0001\n']) {
      assert.equal((await cloudcode(['queues', 'pause', name, '--project', folder])).status, 0);
      const scheduled = documentOf<Run>(
        await cloudcode(['schedule', 'echo', '--queue', name, '--json', '--project', folder]),
      );
      const { queues } = documentOf<{ queues: { name: string; queued: number; paused: boolean }[] }>(
        await cloudcode(['queues', '--json', '--project', folder]),
      );
      assert.ok(queues.some((queue) => queue.name === name && queue.paused && queue.queued === 1));
      assert.equal((await cloudcode(['runs', 'cancel', scheduled.id, '--project', folder])).status, 0);
      assert.equal((await cloudcode(['queues', 'resume', name, '--project', folder])).status, 0);
    }
  });

  it('SIGTERM: claims nothing more, finishes what runs, removes its record and its database server, and ends with 0', async () => {
    const waiting = startCloudcode(['run', 'sleeps', '--parameters', '{"ms":1500}', '--json', '--project', folder]);
    await waiting.says(/sleeping/);
    server.child.kill('SIGTERM');
    await server.says(/Draining, at most 30 s/);
    assert.equal(await server.ended, 0);
    assert.deepEqual(
      serversOf(folder).filter((name) => name !== '2.json'),
      [],
    );
    assert.match(server.stderr(), /sleeps \S+ attempt 1 returned/);
    assert.equal(await waiting.ended, 0, waiting.stderr());
    const { runs } = documentOf<{ runs: Run[] }>(
      await cloudcode(['runs', '--task', 'sleeps', '--json', '--project', folder]),
    );
    assert.deepEqual(
      runs.map((run) => [run.state, run.result]),
      [['succeeded', 'slept']],
    );
  });

  it('a second signal ends it at once', async () => {
    const impatient = startCloudcode(['start', '--port', '0', '--json', '--project', folder]);
    await announcementOf(impatient);
    const run = documentOf<Run>(
      await cloudcode(['schedule', 'sleeps', '--parameters', '{"ms":50000}', '--json', '--project', folder]),
    );
    await impatient.says(new RegExp(`${run.id} attempt 1 started`));
    impatient.child.kill('SIGINT');
    await impatient.says(/Draining, at most 30 s/);
    impatient.child.kill('SIGINT');
    assert.equal(await impatient.ended, 130);
    assert.equal((await cloudcode(['runs', '--project', folder])).status, 0);
  });
});

describe('CLI: dev deploys again when a file changes', { timeout: 120_000 }, () => {
  it('says which settings of the configuration it has taken up, and which wait for the next start', async () => {
    const folder = writeProject({ greets: 'export async function run() { return process.env.GREETING; }' });
    const configure = (config: object): void =>
      writeFileSync(join(folder, 'cloudcode.config.ts'), `export default ${JSON.stringify(config)};`);
    const variables = { environments: { testing: { variables: { GREETING: 'Hello' } } } };
    configure({});
    const started = startCloudcode(['dev', '--port', '0', '--project', folder]);
    try {
      await started.says(/ deployed: 1 task\n/);
      await started.says(/Ctrl-C stops it/);
      configure(variables);
      await started.says(/ deployed: variables \(1 task as before\)\n/);
      assert.equal(documentOf<Run>(await cloudcode(['run', 'greets', '--json', '--project', folder])).result, 'Hello');
      configure({ ...variables, queues: { mail: { onRetry: 'skip' } }, retention: { days: 5 } });
      await started.says(/ deployed: retention, queues \(1 task as before\)\n/);
      assert.doesNotMatch(started.stderr(), /nothing to deploy|next start/);
      configure({ ...variables, concurrency: 3, leaseMs: 20_000 });
      await started.says(/ concurrency, leaseMs of the configuration: counts from the next start on\n/);
      configure({ ...variables, concurrency: 3, leaseMs: 20_000, workerStart: 'spawn' });
      await started.says(/ nothing to deploy: 1 task\n/);
    } finally {
      await started[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('also after starting with, and passing through, a broken task', async () => {
    const folder = writeProject({ echo: 'export async function run() { return 1 +; }' });
    const file = join(folder, 'cloudcode', 'echo', 'index.ts');
    const started = startCloudcode(['dev', '--port', '0', '--project', folder]);
    try {
      await started.says(/not deployed[\s\S]*echo\/index\.ts:1:/);
      await started.says(/Listening at http/);
      const resultIs = async (value: string) => {
        const finished = await cloudcode(['run', 'echo', '--json', '--project', folder]);
        assert.equal(finished.status, 0, finished.stderr);
        assert.equal(documentOf<Run>(finished).result, value);
      };
      const deployments = (): number => started.stderr().match(/ deployed: 1 task/g)?.length ?? 0;
      for (const [index, value] of ['first', 'second'].entries()) {
        writeFileSync(file, `export async function run() { return '${value}'; }`);
        await until(20_000, `${value} is deployed`, () => (deployments() === index + 1 ? true : null));
        await resultIs(value);
      }
      writeFileSync(file, 'export async function run() {');
      await until(20_000, 'the mistake is told', () =>
        (started.stderr().match(/not deployed/g)?.length ?? 0) === 2 ? true : null,
      );
      // What the last good deployment is, a command that asks for the folder as it stands is told.
      const refused = await cloudcode(['run', 'echo', '--project', folder]);
      assert.equal(refused.status, 2);
      const scheduled = documentOf<Run>(await cloudcode(['schedule', 'echo', '--json', '--project', folder]));
      const ended = await until(20_000, 'it has ended', async () => {
        const run = documentOf<Run>(await cloudcode(['runs', 'show', scheduled.id, '--json', '--project', folder]));
        return run.finishedAt === null ? null : run;
      });
      assert.equal(ended.result, 'second');
      started.child.kill('SIGINT');
      assert.equal(await started.ended, 0);
    } finally {
      await started[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
