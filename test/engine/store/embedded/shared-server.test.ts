import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { kill } from 'node:process';
import { test } from 'node:test';
import pg from 'pg';
import { startEmbeddedServer } from '../../../../src/engine/store/embedded/start-embedded-server.ts';
import { until } from '../../../support/runtime.ts';
import { ask, hold, isGone, letGo, newFolder, script, type Started } from './project-folders.ts';

// Several processes that use the server of one folder, at once and one after the other.

test('several processes share one server; the last one to leave stops it', async () => {
  const folder = newFolder();
  const first = await hold(folder);
  const second = await hold(folder);
  assert.equal(second.started.startedHere, false);
  assert.equal(second.started.pid, first.started.pid);
  await letGo(first.child);
  assert.equal(await ask(second.started.url ?? '', 'select 1 as answer'), 1);
  await letGo(second.child);
  assert.ok(isGone(first.started.pid ?? 0));
});

test('the last two to leave at the same moment stop it', async () => {
  const folder = newFolder();
  for (let round = 0; round < 5; round += 1) {
    const all = await Promise.all([1, 2, 3].map(() => startEmbeddedServer({ folder })));
    const pids = new Set(all.map((server) => server.postmasterPid));
    assert.equal(pids.size, 1);
    assert.ok(all.filter(({ startedHere }) => startedHere).length <= 1);
    await Promise.all(all.map((server) => server.release()));
    for (const pid of pids) assert.ok(isGone(pid));
  }
});

test('two first starts at the same moment both work', async () => {
  const folder = newFolder();
  const both = await Promise.all([hold(folder), hold(folder), hold(folder)]);
  assert.equal(
    new Set(both.map(({ started }) => started.pid)).size,
    1,
    JSON.stringify(both.map(({ started }) => started)),
  );
  await Promise.all(both.map(({ child }) => letGo(child)));
});

test('starting while another process stops it always ends with a working server', async () => {
  const folder = newFolder();
  for (let round = 0; round < 5; round += 1) {
    const { child } = await hold(folder);
    const leaving = letGo(child);
    const server = await startEmbeddedServer({ folder });
    assert.equal(await ask(server.url, 'select 1 as answer'), 1);
    await leaving;
    assert.equal(await ask(server.url, 'select 1 as answer'), 1);
    await server.release();
  }
});

test('the server of a killed parent is joined', async () => {
  const folder = newFolder();
  const { child, started } = await hold(folder);
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  await using server = await startEmbeddedServer({ folder });
  assert.equal(server.startedHere, false);
  assert.equal(server.postmasterPid, started.pid);
});

test('a client that is not one of ours keeps it running', async () => {
  const folder = newFolder();
  const server = await startEmbeddedServer({ folder });
  const client = new pg.Client({ connectionString: server.url.replace('/cloudcode?', '/postgres?') });
  await client.connect();
  await server.release();
  assert.equal((await client.query<{ n: number }>('select 1 as n')).rows[0]?.n, 1);
  await client.end();
  await using again = await startEmbeddedServer({ folder });
  assert.equal(again.startedHere, false);
});

test('a server whose session was ended by an administrator is still known to be used', async () => {
  const folder = newFolder();
  await using server = await startEmbeddedServer({ folder });
  const keepers = "from pg_stat_activity where application_name = 'cloudcode keeper'";
  await ask(server.url, `select pg_terminate_backend(pid) as answer ${keepers}`);
  await until(60_000, 'it is held again', async () =>
    Number(await ask(server.url, `select count(*) as answer ${keepers} and wait_event = 'ClientRead'`)) === 1
      ? true
      : null,
  );
  await (await startEmbeddedServer({ folder })).release();
  assert.equal(await ask(server.url, 'select 1 as answer'), 1);
});

test('a Ctrl-C that hits the whole terminal ends neither the server nor its data', async () => {
  const folder = newFolder();
  const child = spawn(process.execPath, [script, folder, 'hold'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { pid } = JSON.parse(line.toString()) as Started;
  const exited = once(child, 'exit');
  kill(-(child.pid ?? 0), 'SIGINT');
  await exited;
  assert.ok(!isGone(pid ?? 0));
  await using server = await startEmbeddedServer({ folder });
  assert.equal(server.startedHere, false);
});
