import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Queryable } from '../../../src/engine/store/open-store.ts';
import { testStore } from '../../support/store.ts';

const note = (db: Queryable, number: number) =>
  db.query({ name: 'note', text: 'insert into notes values ($1)', values: [number] });

test('statements that are asked for at once are one transaction, and each is told its own answer', async () => {
  await using t = await testStore();
  await t.store.query({ name: '', text: 'create table notes (number integer primary key)' });
  const answers = await t.store.atOnce((db) =>
    Promise.all([
      note(db, 1),
      db.query<{ count: number }>({ name: '', text: 'select count(*)::integer as count from notes' }),
      note(db, 2),
    ]),
  );
  assert.deepEqual(answers[1], [{ count: 1 }], 'a statement sees what those before it did');
  assert.deepEqual(
    await t.store.query({
      name: '',
      text: 'select number, count(*) over (partition by xmin::text)::integer as together from notes order by number',
    }),
    [
      { number: 1, together: 2 },
      { number: 2, together: 2 },
    ],
  );
});

test('when one of them fails none has done anything, the first error is told, and the connection is used again', async () => {
  await using t = await testStore();
  await t.store.query({ name: '', text: 'create table notes (number integer primary key)' });
  const sessions = () =>
    t.store.query({
      name: 'sessions',
      text: "select pid from pg_stat_activity where datname = current_database() and application_name = 'cloudcode' order by 1",
    });
  const before = await sessions();
  for (let round = 0; round < 3; round += 1) {
    // Statements that the server does not know yet follow the one that fails: it does not learn them.
    await assert.rejects(
      t.store.atOnce((db) =>
        Promise.all([note(db, round), note(db, round), db.query({ name: 'never_before', text: 'select 1 as one' })]),
      ),
      /duplicate key/,
    );
    assert.deepEqual(await t.store.query({ name: 'never_before', text: 'select 1 as one' }), [{ one: 1 }]);
    assert.deepEqual(await t.store.query({ name: '', text: 'select number from notes' }), []);
  }
  assert.deepEqual(await sessions(), before, 'no connection was thrown away');
});

test('the error that is told is that of the statement that failed, also when whoever asked for it hears of it later than the others', async () => {
  await using t = await testStore();
  const late = async (failing: Promise<unknown>): Promise<void> => {
    await failing.catch(async (error: unknown) => {
      await new Promise((resolve) => setImmediate(resolve));
      throw error;
    });
  };
  await assert.rejects(
    t.store.atOnce((db) =>
      Promise.all([late(db.query({ name: '', text: 'select 1 / 0' })), db.query({ name: '', text: 'select 1' })]),
    ),
    { code: '22012' },
  );
});

test('a connection that is lost under them is an error of all of them, and of nothing else', async () => {
  await using t = await testStore();
  await t.store.query({ name: '', text: 'create table notes (number integer primary key)' });
  await assert.rejects(
    t.store.atOnce((db) =>
      Promise.all([
        note(db, 1),
        db.query({ name: '', text: 'select pg_terminate_backend(pg_backend_pid())' }),
        note(db, 2),
      ]),
    ),
    { code: 'database_unreachable' },
  );
  assert.deepEqual(await t.store.query({ name: '', text: 'select number from notes' }), []);
});
