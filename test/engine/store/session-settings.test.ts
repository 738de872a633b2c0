import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { openSession } from '../../../src/engine/store/open-session.ts';
import { openStore, type Queryable } from '../../../src/engine/store/open-store.ts';
import { retryWhileAway } from '../../../src/engine/store/retry.ts';
import { hostileSettings, settingText } from '../../support/hostile-settings.ts';
import { runOn, testDatabaseUrl } from '../../support/postgres.ts';

const settings: typeof hostileSettings = [
  ...hostileSettings,
  ['session_replication_role', 'replica', 'origin'],
  ['synchronous_commit', 'local', 'local'],
];

async function readSetting(db: Queryable, name: string): Promise<string | undefined> {
  const [row] = await db.query<{ value: string }>({
    name: '',
    text: 'select current_setting($1) as value',
    values: [name],
  });
  return row?.value;
}

for (const [name, hostile, ours] of settings) {
  test(`${name} = ${hostile} of a database does not reach our sessions`, { timeout: 60_000 }, async () => {
    const database = await testDatabaseUrl();
    try {
      await runOn(
        database.url,
        `alter database ${new pg.Client(database.url).database ?? ''} ${settingText(name, hostile)}`,
      );
      await using store = await openStore({ url: database.url });
      await using session = await openSession(database.url);
      assert.deepEqual([await readSetting(store, name), await readSetting(session, name)], [ours, ours]);
    } finally {
      await database.dispose();
    }
  });
}

test('a statement that somebody else cancels is done again, and is no refusal', { timeout: 60_000 }, async () => {
  const database = await testDatabaseUrl();
  try {
    await using store = await openStore({ url: database.url });
    const cancel =
      "select pg_cancel_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and query like 'select pg_sleep(50%'";
    let tries = 0;
    const work = async (): Promise<string> => {
      tries += 1;
      if (tries > 1) return 'done';
      const sleeping = store.query({ name: '', text: 'select pg_sleep(50)' }).then(() => 'slept');
      let isOver = false;
      const over = sleeping.catch(() => undefined).finally(() => (isOver = true));
      while (!isOver) await store.query({ name: '', text: cancel });
      await over;
      return await sleeping;
    };
    assert.equal(await retryWhileAway(work, { ms: 10_000 }), 'done');
  } finally {
    await database.dispose();
  }
});
