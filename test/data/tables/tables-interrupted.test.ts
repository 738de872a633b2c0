import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { CloudCodeError } from '../../../src/engine/core/errors.ts';
import { prepareTables } from './prepare-tables.ts';
import { migrate } from '../../../src/engine/store/migrate.ts';
import { openStore } from '../../../src/engine/store/open-store.ts';
import { testDatabaseUrl } from '../../support/postgres.ts';
import { describeSchema, model, testTables } from './open-tables.ts';
import { fill, large, small } from './assets.ts';

test('a deployment that is killed is taken up by the next', async () => {
  await using tables = await testTables();
  const next = [
    model('building', { name: 'text' }, { indexes: [['name']] }),
    {
      ...large,
      indexes: [
        { name: 'make', on: ['count', 'make'] },
        { name: 'at', on: ['at'] },
      ],
    },
  ];
  let kills = 0;
  for (let at = 1; ; at += 1) {
    await tables.sql('drop schema if exists cloudcode_testing cascade');
    await tables.prepare([
      {
        ...small,
        indexes: [
          { name: 'make', on: ['make'] },
          { name: 'count', on: ['count'] },
        ],
      },
    ]);
    await fill(tables, 500);
    let steps = 0;
    const killing: Promise<unknown>[] = [];
    const killed = await tables
      .prepare(next, () => {
        steps += 1;
        if (steps === at)
          killing.push(
            tables.sql(
              "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
            ),
          );
      })
      .then(
        () => null,
        (error: unknown) => error,
      );
    await Promise.all(killing);
    if (killed !== null) {
      assert.ok(killed instanceof CloudCodeError && killed.code === 'database_unreachable');
      kills += 1;
    }
    await tables.prepare(next);
    assert.deepEqual(await tables.prepare(next), []);
    assert.deepEqual((await describeSchema(tables)).indexes, {
      'asset.at': 'btree (at, id)',
      'asset.make': 'btree (count, make, id)',
      'building.name': 'btree (name, id)',
    });
    assert.deepEqual(
      await tables.sql('select count(make)::integer as makes, sum(count)::integer as sum from cloudcode_testing.asset'),
      [{ makes: 500, sum: 125_250 }],
    );
    if (killing.length === 0) break;
    assert.ok(at < 50);
  }
  assert.ok(kills > 3, `${kills} deployments were killed in time`);
});

test('no right of a superuser is needed, and a right that is missing is one clear error', async () => {
  const database = await testDatabaseUrl();
  await using admin = await openStore({ url: database.url });
  const role = `owner_${randomUUID().replaceAll('-', '')}`;
  try {
    await admin.query({ name: '', text: `create role ${role} login password 'secret' nosuperuser` });
    await admin.query({ name: '', text: `grant ${role} to current_user` });
    await admin.query({
      name: '',
      text: `do $$ begin execute format('alter database %I owner to ${role}', current_database()); end $$`,
    });
    await using store = await openStore({ url: database.url.replace(/\/\/[^@/]*@/, `//${role}:secret@`) });
    await migrate(store);
    await prepareTables(store, 'testing', { models: [small] });
    await prepareTables(store, 'testing', { models: [large] });
    await admin.query({ name: '', text: 'create table cloudcode_testing.other (id uuid primary key)' });
    await assert.rejects(prepareTables(store, 'testing', { models: [model('other', { x: 'text' })] }), {
      code: 'deploy_failed',
      message: 'Data model: adding other.x failed: must be owner of table other.',
    });
  } finally {
    await database.dispose();
    await dropRole(role);
  }
});

async function dropRole(role: string): Promise<void> {
  const database = await testDatabaseUrl();
  const admin = await openStore({ url: database.url });
  await admin.query({ name: '', text: `drop role ${role}` });
  await admin.close();
  await database.dispose();
}
