import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { openStore } from '../../../src/engine/store/open-store.ts';
import { testDatabaseUrl } from '../../support/postgres.ts';

test('numbers come as they are stored, also from a server that is set to round them', async () => {
  const database = await testDatabaseUrl();
  try {
    const name = new pg.Client(database.url).database ?? '';
    await using before = await openStore({ url: database.url });
    await before.query({ name: '', text: `alter database ${name} set extra_float_digits = 0` });
    await using store = await openStore({ url: database.url });
    const [row] = await store.query<{ number: string }>({
      name: '',
      text: 'select (0.1::double precision + 0.2)::text as number',
    });
    assert.equal(row?.number, '0.30000000000000004');
  } finally {
    await database.dispose();
  }
});
