import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kill } from 'node:process';
import { test } from 'node:test';
import { postmasterPid } from '../../../../src/engine/store/embedded/server-process.ts';
import {
  type EmbeddedServer,
  startEmbeddedServer,
} from '../../../../src/engine/store/embedded/start-embedded-server.ts';
import { until } from '../../../support/runtime.ts';
import { ask, hold, isGone, letGo, newFolder, script } from './project-folders.ts';

// What a server, a start or a machine that ended in the middle leaves behind.

test('starts at the same moment after a crash of the machine all work', async () => {
  const folder = newFolder();
  const first = await startEmbeddedServer({ folder });
  await ask(first.url, 'create table kept as select 42 as n');
  kill(first.postmasterPid, 'SIGKILL');
  const all = await Promise.all([hold(folder), hold(folder), hold(folder)]);
  assert.equal(
    new Set(all.map(({ started }) => started.pid)).size,
    1,
    JSON.stringify(all.map(({ started }) => started)),
  );
  assert.equal(await ask(all[0].started.url ?? '', 'select n as answer from kept'), 42);
  await Promise.all(all.map(({ child }) => letGo(child)));
  await first.release();
});

test('a start that was killed in the middle leaves nothing in the way', async () => {
  const folder = newFolder();
  const child = spawn(process.execPath, [script, folder], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  await until(30_000, 'it makes the data', () =>
    existsSync(folder) && readdirSync(folder).some((name) => name.startsWith('postgres.new-')) ? true : null,
  );
  child.kill('SIGKILL');
  await exited;
  await using server = await startEmbeddedServer({ folder });
  assert.equal(await ask(server.url, 'select 1 as answer'), 1);
});

test('a start right after the server was killed works, and nothing is lost', async () => {
  const folder = newFolder();
  const first = await startEmbeddedServer({ folder });
  await ask(first.url, 'create table kept as select 42 as n');
  kill(first.postmasterPid, 'SIGKILL');
  await using server = await startEmbeddedServer({ folder });
  assert.notEqual(server.postmasterPid, first.postmasterPid);
  assert.equal(await ask(server.url, 'select n as answer from kept'), 42);
  await first.release();
  assert.equal(await ask(server.url, 'select 1 as answer'), 1, 'one who lost his server stops nobody else’s');
});

test('a stale pid file does not stop the start, also when another program has the pid now', async () => {
  const folder = newFolder();
  for (const pid of [4_190_000, process.pid]) {
    const server: EmbeddedServer = await startEmbeddedServer({ folder });
    const path = join(folder, 'postgres', 'postmaster.pid');
    const text = readFileSync(path, 'utf8');
    await server.release();
    writeFileSync(path, text.replace(/^\d+/, String(pid)));
    await using again = await startEmbeddedServer({ folder });
    assert.equal(again.startedHere, true);
  }
});

test('pid and lock files that a power failure left empty do not stop the start', async () => {
  const folder = newFolder();
  await (await startEmbeddedServer({ folder })).release();
  const path = join(folder, 'postgres', 'postmaster.pid');
  writeFileSync(path, '');
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(path, longAgo, longAgo);
  const startedAt = performance.now();
  await using again = await startEmbeddedServer({ folder });
  assert.equal(again.startedHere, true);
  assert.ok(performance.now() - startedAt < 20_000, 'it need not wait for long');
});

test('a server that dies is started again while it is used, and stopped when it is released', async () => {
  const server = await startEmbeddedServer({ folder: newFolder() });
  await ask(server.url, 'create table kept as select 42 as n');
  kill(server.postmasterPid, 'SIGKILL');
  await until(60_000, 'it was killed', () => (isGone(server.postmasterPid) ? true : null));
  const answer = await until(60_000, 'it answers again', () =>
    ask(server.url, 'select n as answer from kept').catch(() => null),
  );
  assert.equal(answer, 42);
  const pid = postmasterPid(server.folder) ?? 0;
  assert.notEqual(pid, server.postmasterPid);
  await server.release();
  assert.ok(isGone(pid), 'it is stopped');
});
