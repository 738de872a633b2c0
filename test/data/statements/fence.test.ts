import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { CloudCodeError } from '../../../src/engine/core/errors.ts';
import { countObjects } from '../../../src/data/statements/count-objects.ts';
import { destroyMatching } from '../../../src/data/statements/destroy-matching.ts';
import { readFile } from '../../../src/data/statements/read-file.ts';
import { selectLargePage, selectPage } from '../../../src/data/statements/select-page.ts';
import {
  destroyObjects,
  incrementObjects,
  insertObjects,
  updateObjects,
} from '../../../src/data/statements/write-objects.ts';
import type { Condition } from '../../../src/data/protocol/data-calls.ts';
import type { Caller } from '../../../src/engine/store/insert-run.ts';
import type { Queryable, Statement } from '../../../src/engine/store/open-store.ts';
import { sqlState } from '../../../src/engine/store/store-error.ts';
import { type TestData, testData } from './open-data.ts';
import { columnsOfThing, sampleThings, thing } from './things.ts';

const things = sampleThings(20, 4);
const ids = things.map(({ id }) => id);

function insertAll({ target, caller }: TestData): Statement {
  return insertObjects(target, caller, { model: 'thing', columns: columnsOfThing, ids, rows: JSON.stringify(things) });
}

/** Every statement, also of forms that the planner knows to find nothing. */
function everyStatement({ target }: TestData, caller: Caller): readonly Statement[] {
  const impossible: Condition = { expression: 'name in ? and count > ?', args: [[], null] };
  const some: Condition = { expression: 'count != ?', args: [5] };
  const selections = [[], [some], [impossible]].map((where) => ({
    model: 'thing',
    where,
    orderBy: [],
    skip: 0,
    limit: null,
  }));
  const rows = { model: 'thing', columns: ['count'], rows: JSON.stringify(ids.map((id) => ({ id, count: 99 }))) };
  const values = { model: 'thing', columns: ['count'], values: [JSON.stringify(ids.map(() => 99))] };
  const nobody = [randomUUID()];
  return [
    ...selections.flatMap((selection) => [
      ...[1, 10].map((pageSize) => selectPage(target, caller, { kind: 'select', selection, after: null, pageSize })),
      ...[1, 10].map((pageSize) =>
        selectPage(target, caller, {
          kind: 'select',
          selection: { ...selection, orderBy: ['-name'] },
          after: ['x', ids[0] ?? ''],
          pageSize,
        }),
      ),
      ...[0, 10].map((pageSize) =>
        selectLargePage(target, caller, { kind: 'select', selection, after: null, pageSize }),
      ),
      selectPage(target, caller, { kind: 'select', selection, after: null, pageSize: 0 }),
      countObjects(target, caller, selection),
      countObjects(target, caller, { ...selection, limit: 3 }),
      countObjects(target, caller, { ...selection, limit: 0 }),
      destroyMatching(target, caller, selection),
      destroyMatching(target, caller, { ...selection, limit: 3 }),
      destroyMatching(target, caller, { ...selection, limit: 0 }),
    ]),
    readFile(target, caller, { model: 'thing', id: ids[0] ?? '', field: 'file', key: randomUUID() }),
    insertObjects(target, caller, { ...rows, ids }),
    insertObjects(target, caller, { ...rows, ids: nobody }),
    insertObjects(target, caller, { ...rows, ids: [], rows: '[]' }),
    updateObjects(target, caller, { ...values, ids }),
    updateObjects(target, caller, { ...values, ids: ids.slice(0, 1) }),
    updateObjects(target, caller, { ...values, ids, only: ids.slice(0, 2) }),
    updateObjects(target, caller, { ...values, ids: nobody }),
    updateObjects(target, caller, { ...values, ids: [], values: ['[]'] }),
    ...[ids, ids.slice(0, 1), nobody].flatMap((some) => [
      ...(['noted', 'required'] as const).flatMap((version) =>
        [insertObjects, updateObjects].map((write) =>
          write(target, caller, {
            ...rows,
            ...values,
            ids: some,
            version,
            ...(some.length === 1 ? { call: randomUUID() } : {}),
          }),
        ),
      ),
      incrementObjects(target, caller, { ...rows, ids: some, ...(some.length === 1 ? { call: randomUUID() } : {}) }),
    ]),
    destroyObjects(target, caller, { model: 'thing', ids }),
    destroyObjects(target, caller, { model: 'thing', ids: ids.slice(0, 1) }),
    destroyObjects(target, caller, { model: 'thing', ids: [] }),
  ];
}

async function readTable({ store }: TestData): Promise<unknown> {
  return store.query({ name: '', text: 'select t::text from cloudcode_testing.thing t order by id' });
}

function isSuperseded(error: unknown): boolean {
  return error instanceof CloudCodeError && error.code === 'attempt_superseded' && sqlState(error.cause) === 'CC001';
}

/** What another runner does when it takes the run over. */
function takeOver(db: Queryable, { run }: TestData): Promise<unknown> {
  return db.query({
    name: '',
    text: `update cloudcode.runs set fence = nextval('cloudcode.fences') where id = '${run.id}'`,
  });
}

/** Resolves once a statement waits for a lock. */
async function someoneWaits({ store }: TestData): Promise<void> {
  for (const end = performance.now() + 20_000; performance.now() < end;) {
    const [row] = await store.query<{ count: number }>({
      name: '',
      text: "select count(*)::integer as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    });
    if ((row?.count ?? 0) > 0) return;
  }
  throw new Error('nobody waits for a lock');
}

test('every call of a superseded attempt is refused by the database, and changes nothing', async () => {
  await using data = await testData([thing]);
  await data.store.query(insertAll(data));
  const before = await readTable(data);
  const others = [
    { ...data.caller, fence: String(BigInt(data.caller.fence) - 1n) },
    { ...data.caller, fence: String(BigInt(data.caller.fence) + 1n) },
    { ...data.caller, runId: randomUUID() },
  ];
  // Often enough that PostgreSQL keeps the plans of the prepared ones.
  for (const statement of [...others, ...others, ...others].flatMap((caller) => everyStatement(data, caller)))
    await assert.rejects(data.store.query(statement), isSuperseded, statement.text);
  assert.deepEqual(await readTable(data), before);
  for (const statement of everyStatement(data, data.caller)) await data.store.query(statement);
  await data.finish(data.run, 'returned');
  for (const statement of everyStatement(data, data.caller))
    await assert.rejects(data.store.query(statement), isSuperseded, 'nor may an attempt whose run is finished');
});

test('nobody takes a run over between a write of its attempt and the commit', async () => {
  await using data = await testData([thing]);
  await data.store.query(insertAll(data));
  let isTaken = false;
  const [, taking] = await data.store.transaction(async (db) => {
    await db.query(destroyObjects(data.target, data.caller, { model: 'thing', ids: ids.slice(0, 5) }));
    const started = takeOver(data.store, data).then(() => (isTaken = true));
    await someoneWaits(data);
    assert.equal(isTaken, false);
    await db.query(
      updateObjects(data.target, data.caller, {
        model: 'thing',
        columns: ['count'],
        ids: ids.slice(5, 6),
        values: ['[1]'],
      }),
    );
    return [null, started] as const;
  });
  await taking;
  assert.equal(((await readTable(data)) as unknown[]).length, 15);
  await assert.rejects(
    data.store.query(destroyObjects(data.target, data.caller, { model: 'thing', ids })),
    isSuperseded,
  );
  assert.equal(((await readTable(data)) as unknown[]).length, 15);
});

test('a write that meets a takeover waits for its end: refused when it was committed, carried out when it was not', async () => {
  await using data = await testData([thing]);
  await data.store.query(insertAll(data));
  const write = destroyObjects(data.target, data.caller, { model: 'thing', ids: ids.slice(0, 5) });
  let waiting: Promise<unknown> = Promise.resolve();
  const undone = data.store.transaction(async (db) => {
    await takeOver(db, data);
    waiting = data.store.query(write);
    await someoneWaits(data);
    throw new Error('the takeover is undone');
  });
  await assert.rejects(undone, /undone/);
  await waiting;
  assert.equal(((await readTable(data)) as unknown[]).length, 15);
  const refused = await data.store.transaction(async (db) => {
    await takeOver(db, data);
    const asked = assert.rejects(
      data.store.query(destroyObjects(data.target, data.caller, { model: 'thing', ids })),
      isSuperseded,
    );
    await someoneWaits(data);
    return { asked };
  });
  await refused.asked;
  assert.equal(((await readTable(data)) as unknown[]).length, 15);
});
