import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryConflicts } from '../../../src/engine/store/retry.ts';
import { sqlState } from '../../../src/engine/store/store-error.ts';
import { testStore } from '../../support/store.ts';

const sql = (text: string): { readonly name: string; readonly text: string } => ({ name: '', text });

test('transactions that wait for each other are carried out both: the one that the database ends begins again', async () => {
  await using t = await testStore();
  await t.store.query(sql('create table pairs (id integer primary key, value integer not null)'));
  await t.store.query(sql('insert into pairs values (1, 0), (2, 0)'));
  let tries = 0;
  const both = Promise.withResolvers<null>();
  let arrived = 0;
  const add = (first: number, second: number): Promise<void> => {
    return retryConflicts(() =>
      t.store.transaction(async (db) => {
        tries += 1;
        await db.query(sql(`update pairs set value = value + 1 where id = ${first}`));
        // Each has its first row before either asks for its second.
        arrived += 1;
        if (arrived >= 2) both.resolve(null);
        await both.promise;
        await db.query(sql(`update pairs set value = value + 1 where id = ${second}`));
      }),
    );
  };
  await Promise.all([add(1, 2), add(2, 1)]);
  const rows = await t.store.query<{ value: number }>(sql('select value from pairs order by id'));
  assert.deepEqual([rows.map(({ value }) => value), tries], [[2, 2], 3]);
});

test('a single statement that could not be serialized is carried out again by the store', async () => {
  await using t = await testStore();
  await t.store.query(sql('create sequence tries'));
  const failing = `do $$ begin if nextval('tries') < 3 then raise exception 'could not serialize' using errcode = 'serialization_failure'; end if; end $$`;
  await t.store.query(sql(failing));
  assert.deepEqual(await t.store.query(sql('select last_value::integer as tries from tries')), [{ tries: 3 }]);
});

test('a conflict that does not end is told after a few tries', async () => {
  await using t = await testStore();
  await t.store.query(sql('create sequence tries'));
  const failing = `do $$ begin perform nextval('tries'); raise exception 'deadlock' using errcode = 'deadlock_detected'; end $$`;
  await assert.rejects(t.store.query(sql(failing)), (error) => sqlState(error) === '40P01');
  assert.deepEqual(await t.store.query(sql('select last_value::integer as tries from tries')), [{ tries: 6 }]);
});
