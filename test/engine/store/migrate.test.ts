import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrate } from '../../../src/engine/store/migrate.ts';
import { openStore } from '../../../src/engine/store/open-store.ts';
import { testDatabaseUrl } from '../../support/postgres.ts';

test('several starters may migrate one database at once, and again later', async () => {
  const database = await testDatabaseUrl();
  const stores = await Promise.all([1, 2, 3].map(() => openStore({ url: database.url })));
  try {
    await Promise.all(stores.map((store) => migrate(store)));
    await Promise.all(stores.map((store) => migrate(store)));
    const [first] = stores;
    const rows = await first?.query<{ number: number }>({
      name: '',
      text: 'select number from cloudcode.migrations order by number',
    });
    assert.deepEqual(
      rows?.map((row) => row.number),
      rows?.map((_, index) => index + 1),
    );
  } finally {
    await Promise.all(stores.map((store) => store.close()));
    await database.dispose();
  }
});

test('a database that a later version migrated is refused and left alone', async () => {
  const database = await testDatabaseUrl();
  const store = await openStore({ url: database.url });
  try {
    await migrate(store);
    await store.query({
      name: '',
      text: "insert into cloudcode.migrations (number, name) values (9999, '9999_later.sql')",
    });
    await assert.rejects(migrate(store), { code: 'database_newer', message: /migration 9999_later/ });
  } finally {
    await store.close();
    await database.dispose();
  }
});

test('a database from before the first release is refused and left alone', async () => {
  const database = await testDatabaseUrl();
  const store = await openStore({ url: database.url });
  const sql = (text: string) => store.query({ name: '', text });
  try {
    await sql('create schema cloudcode');
    await sql('create table cloudcode.migrations (number integer primary key, name text not null)');
    await sql("insert into cloudcode.migrations (number, name) values (1, '0001_runs.sql'), (2, '0002_data.sql')");
    await assert.rejects(migrate(store), { code: 'database_unreleased', message: /0001_runs\.sql/ });
    const tables = await sql("select table_name from information_schema.tables where table_schema = 'cloudcode'");
    assert.deepEqual(tables, [{ table_name: 'migrations' }]);
  } finally {
    await store.close();
    await database.dispose();
  }
});

test('a server that does not answer, and a wrong password, are one clear error', async () => {
  await assert.rejects(openStore({ url: 'postgres://nobody@127.0.0.1:1/none' }), {
    code: 'database_unreachable',
    message: /cannot be reached.*ECONNREFUSED/,
  });
  const database = await testDatabaseUrl();
  await assert.rejects(openStore({ url: database.url.replace(/\/test_[0-9a-f]+/, '/there_is_no_such_database') }), {
    code: 'database_unreachable',
  });
  await database.dispose();
});
