import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import pg from 'pg';
import { isFinal } from '../../src/engine/core/run.ts';
import { getRun } from '../../src/engine/operations/get-run.ts';
import { scheduleRun } from '../../src/engine/operations/schedule-run.ts';
import { openStore } from '../../src/engine/store/open-store.ts';
import { cloudcode, startCloudcode } from '../cli/cloudcode.ts';
import { hostileSettings, settingText } from '../support/hostile-settings.ts';
import { runOn, testDatabaseUrl } from '../support/postgres.ts';
import { until, writeProject } from '../support/runtime.ts';

const files = {
  'schema.xml':
    '<data-model><model name="piece"><field name="name" type="text"/><field name="size" type="number"/><field name="made" type="date"/></model></data-model>',
  all: `
    export async function run() {
      console.log('ready');
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const { id } = await CloudCode.scheduleTask({ task: 'nothing', queue: 'q', parameters: { at: 'a\\\\b' } });
      await DB.piece.create({ name: 'a\\\\b', size: 0.1 + 0.2 }).save();
      const [piece] = await DB.piece.where('name = ?', 'a\\\\b').toArray();
      return { id, name: piece!.name, size: piece!.size, unnamed: await DB.piece.where('made = ?', null).count() };
    }`,
  nothing: 'export async function run(parameters: object) { return parameters; }',
};

async function hostileRole(settings: readonly (readonly [name: string, value: string, ...rest: string[]])[]) {
  const database = await testDatabaseUrl();
  const role = `hostile_${randomUUID().replaceAll('-', '')}`;
  await runOn(
    database.url,
    `create role ${role} login password 'x'; grant create on database ${new pg.Client(database.url).database ?? ''} to ${role}`,
  );
  for (const [name, value] of settings) await runOn(database.url, `alter role ${role} ${settingText(name, value)}`);
  return {
    admin: database.url,
    url: `postgres://${role}:x${database.url.slice(database.url.lastIndexOf('@'))}`,
    async [Symbol.asyncDispose]() {
      await runOn(database.url, `drop owned by ${role} cascade; drop role ${role}`);
      await database.dispose();
    },
  };
}

test(
  'a role with settings for other programs: a task schedules and stores under a table lock of 5 s, and synchronous_commit = off is raised and told once',
  { timeout: 120_000 },
  async () => {
    await using role = await hostileRole(hostileSettings);
    const folder = writeProject(files);
    const server = startCloudcode(['start', '--port', '0', '--database', role.url, '--project', folder]);
    try {
      await server.says(/runner \S+ started/);
      await using store = await openStore({ url: role.admin });
      const { id } = await scheduleRun(store, 'testing', { task: 'all' });
      await until(30_000, 'it is ready', async () => {
        const rows = await store.query({
          name: '',
          text: `select from cloudcode.log_lines where run_id = '${id}' and message = 'ready'`,
        });
        return rows.length > 0 ? true : null;
      });
      await store.transaction(async (db) => {
        await db.query({ name: '', text: 'lock table cloudcode.runs in access exclusive mode' });
        await db.query({ name: '', text: 'select pg_sleep(5)' });
      });
      const ended = (runId: string) =>
        until(60_000, `run ${runId} is finished`, async () => {
          const now = await getRun(store, 'testing', runId);
          return isFinal(now.state) ? now : null;
        });
      const run = await ended(id);
      assert.equal(run.state, 'succeeded', JSON.stringify(run.error));
      const { id: scheduled, ...read } = run.result as { id: string };
      assert.deepEqual([read, run.attempts.length], [{ name: 'a\\b', size: 0.1 + 0.2, unnamed: 1 }, 1]);
      assert.deepEqual((await ended(scheduled)).result, { at: 'a\\b' });
      assert.equal(
        server.stderr().match(/synchronous_commit = off.*CloudCode sets it to on/g)?.length,
        1,
        server.stderr(),
      );
    } finally {
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

test(
  'what a session cannot set is refused at the start: triggers that are ignored, and an encoding without every character',
  { timeout: 60_000 },
  async () => {
    await using role = await hostileRole([['session_replication_role', 'replica']]);
    const ignoring = await cloudcode(['runs', '--database', role.url]);
    assert.equal(ignoring.status, 5, ignoring.stderr);
    assert.match(
      ignoring.stderr,
      /session_replication_role[\s\S]*database_unsuitable[\s\S]*reset session_replication_role/,
    );
    const name = `latin_${randomUUID().replaceAll('-', '')}`;
    await runOn(role.admin, `create database ${name} encoding 'LATIN1' locale 'C' template template0`);
    try {
      const latin = await cloudcode([
        'runs',
        '--database',
        role.admin.replace(new pg.Client(role.admin).database ?? '', name),
      ]);
      assert.equal(latin.status, 5, latin.stderr);
      assert.match(latin.stderr, /LATIN1[\s\S]*database_unsuitable[\s\S]*encoding 'UTF8'/);
    } finally {
      await runOn(role.admin, `drop database ${name} with (force)`);
    }
  },
);
