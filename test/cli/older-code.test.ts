import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { testDatabaseUrl } from '../support/postgres.ts';
import { writeProject } from '../support/runtime.ts';
import { cloudcode, documentOf, startCloudcode, type Started } from './cloudcode.ts';

const versioned = (version: string): string => `export async function run() { return '${version}'; }`;

describe('CLI: a server that starts again with older code leaves the newer code alone', { timeout: 240_000 }, () => {
  let database: Awaited<ReturnType<typeof testDatabaseUrl>>;
  const folders: string[] = [];
  const servers: Started[] = [];
  const project = (files: Readonly<Record<string, string>>): string => {
    const folder = writeProject(files);
    folders.push(folder);
    return folder;
  };
  const start = async (folder: string, ...more: string[]): Promise<Started & { readonly tasks: readonly string[] }> => {
    const started = startCloudcode([
      'start',
      '--port',
      '0',
      '--json',
      '--project',
      folder,
      '--database',
      database.url,
      ...more,
    ]);
    servers.push(started);
    const { tasks } = JSON.parse((await started.says(/^\{.*\}$/m))[0]) as { tasks: readonly string[] };
    return Object.assign(started, { tasks });
  };
  const stop = async (started: Started): Promise<string> => {
    started.child.kill('SIGTERM');
    assert.equal(await started.ended, 0, started.stderr());
    return started.stderr();
  };
  const resultOf = async (folder: string, task: string): Promise<unknown> => {
    const finished = await cloudcode(['run', task, '--json', '--project', folder, '--database', database.url]);
    assert.equal(finished.status, 0, finished.stderr);
    return documentOf<Run>(finished).result;
  };
  before(async () => {
    database = await testDatabaseUrl();
  });
  after(async () => {
    for (const server of servers) await server[Symbol.asyncDispose]();
    await database.dispose();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  it('its restart says so and how to deploy all the same, and the newer tasks stay', async () => {
    const older = project({ task: versioned('v1') });
    const newer = project({ task: versioned('v2'), added: versioned('v2') });
    await stop(await start(older));
    const second = await start(newer);
    assert.deepEqual(second.tasks, ['added', 'task']);
    const first = await start(older);
    assert.deepEqual(first.tasks, ['added', 'task']);
    assert.match(first.stderr(), /not deployed: .*replaced it[\s\S]*cloudcode deploy\n/);
    assert.ok(first.stderr().includes(newer));
    assert.equal(await resultOf(older, 'task'), 'v2');
    assert.equal(await resultOf(newer, 'added'), 'v2');
    await stop(first);

    const forced = await start(older, '--deploy');
    assert.deepEqual(forced.tasks, ['task']);
    assert.equal(await resultOf(older, 'task'), 'v1');
    await stop(forced);
    await stop(second);
    // Now v2 is the state that was replaced.
    assert.match(await stop(await start(newer)), /not deployed: .*replaced it/);
    writeFileSync(join(newer, 'cloudcode/task/index.ts'), versioned('v3'));
    const third = await start(newer);
    assert.deepEqual(third.tasks, ['added', 'task']);
    await stop(third);
  });

  it('nor does it bring back its variables, whatever they are now, or a task that was removed; the same code with other variables is deployed', async () => {
    const configured = (value: string): string =>
      `export default { environments: { testing: { variables: { VALUE: '${value}' } } } };`;
    const code = { reads: 'export async function run() { return process.env.VALUE; }' };
    const older = project({ ...code, removed: versioned('v1'), 'cloudcode.config.ts': configured('old') });
    const newer = project({ ...code, 'cloudcode.config.ts': configured('new') });
    const same = project({ ...code, 'cloudcode.config.ts': configured('old') });
    for (const folder of [older, newer]) await stop(await start(folder));
    assert.match(await stop(await start(same)), /deployed: variables/);
    assert.equal(await resultOf(same, 'reads'), 'old');
    const running = await start(newer);
    assert.match(running.stderr(), /deployed: variables/);
    writeFileSync(join(older, 'cloudcode.config.ts'), configured('never seen'));
    assert.match(await stop(await start(older)), /not deployed: .*replaced it/);
    assert.equal(await resultOf(newer, 'reads'), 'new');
    const scheduled = await cloudcode(['schedule', 'removed', '--project', older, '--database', database.url]);
    assert.equal(scheduled.status, 2);
    assert.match(scheduled.stderr, /removed.*unknown_task[\s\S]*replaced[\s\S]*cloudcode deploy\n/);
    assert.equal(await resultOf(newer, 'reads'), 'new');
    await stop(running);
  });

  it('a state is the same in another folder: nothing to deploy, and its tasks find their files where it lies now', async () => {
    const reads =
      "import { readFileSync } from 'node:fs'; export async function run() { return readFileSync(new URL('./note.txt', import.meta.url), 'utf8'); }";
    const folder = project({ reads, 'cloudcode/reads/note.txt': 'here' });
    await stop(await start(folder));
    const moved = `${folder} moved`;
    renameSync(folder, moved);
    folders.push(moved);
    const started = await start(moved);
    assert.match(started.stderr(), /nothing to deploy: 1 task/);
    assert.equal(await resultOf(moved, 'reads'), 'here');
    await stop(started);
  });

  it('--no-deploy serves what is deployed, also from a folder that could not be built; --deploy besides is refused', async () => {
    const folder = project({ task: versioned('v4') });
    await stop(await start(folder));
    writeFileSync(join(folder, 'cloudcode/task/index.ts'), 'export async function run( {');
    const started = await start(folder, '--no-deploy');
    assert.deepEqual(started.tasks, ['task']);
    const { url } = JSON.parse((await started.says(/^\{.*\}$/m))[0]) as { url: string };
    assert.equal(documentOf<Run>(await cloudcode(['run', 'task', '--json', '--url', url])).result, 'v4');
    await stop(started);
    const both = await cloudcode(['start', '--deploy', '--no-deploy', '--project', folder]);
    assert.equal(both.status, 2);
    assert.match(both.stderr, /--deploy.*--no-deploy/);
  });
});
