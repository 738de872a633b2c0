import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { DataModel } from '../../../src/data/model/data-model.ts';
import { prepareTables } from '../tables/prepare-tables.ts';
import { dataTarget } from '../../../src/data/statements/target.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import type { DataScope } from '../../../src/data/operations/carry-out.ts';
import { writeData } from '../../support/write-data.ts';
import type { BatchOperation } from '../../../src/data/protocol/data-calls.ts';
import { deleteBatches } from '../../../src/engine/store/batches.ts';
import { openStore } from '../../../src/engine/store/open-store.ts';
import { startCuttingProxy } from '../../support/cutting-proxy.ts';
import { alterRuns, testStore, type TestStore } from '../../support/store.ts';

const model: DataModel = {
  models: [
    {
      name: 'piece',
      label: 'Piece',
      belongsTo: [],
      hasMany: [],
      indexes: [],
      display: null,
      webhooks: [],
      fields: [
        { name: 'state', label: 'State', type: 'text', subtype: null, options: [] },
        { name: 'count', label: 'Count', type: 'integer', subtype: null, options: [] },
      ],
    },
  ],
};

const scheduled = (given: Record<string, unknown> = {}) => ({
  id: randomUUID(),
  task: 'noop',
  parametersJson: '{}',
  at: null,
  afterMs: null,
  queue: null,
  key: null,
  ...given,
});
const insert = (ids: readonly string[], state = 'new'): BatchOperation => ({
  do: 'insert',
  model: 'piece',
  columns: ['state', 'count'],
  ids,
  rows: JSON.stringify(ids.map((id, count) => ({ id, state, count }))),
});
const update = (ids: readonly string[], state: string): BatchOperation => ({
  do: 'update',
  model: 'piece',
  columns: ['state'],
  ids,
  values: [JSON.stringify(ids.map(() => state))],
});

async function stage(): Promise<{ readonly t: TestStore; readonly scope: DataScope }> {
  const t = await testStore();
  await prepareTables(t.store, 'testing', model);
  const { id } = await scheduleRun(t.store, 'testing', { task: 'other' });
  const [run] = await t.claim();
  assert.equal(run?.id, id);
  return {
    t,
    scope: { caller: { runId: id, fence: run.fence, environment: 'testing' }, target: dataTarget('testing', model) },
  };
}

async function* parts(
  ...operations: readonly (readonly BatchOperation[])[]
): AsyncGenerator<readonly BatchOperation[]> {
  yield* operations;
}

async function stored(t: TestStore): Promise<unknown> {
  const [row] = await t.store.query<{ state: unknown }>({
    name: '',
    text: `select json_build_object('pieces', (select json_agg(json_build_array(id, state, count) order by count, id) from cloudcode_testing.piece),
      'runs', (select json_agg(id order by seq) from cloudcode.runs where scheduled_by is not null), 'batches', (select count(*) from cloudcode.batches)) as state`,
  });
  return row?.state;
}

test('a batch is one transaction: its objects, its destroyed ones and its runs come together or not at all', async () => {
  const { t, scope } = await stage();
  await using _ = t;
  const ids = Array.from({ length: 3000 }, () => randomUUID());
  const run = scheduled();
  const answer = await writeData(t.store, scope, {
    id: randomUUID(),
    parts: parts([insert(ids.slice(0, 1500))], [insert(ids.slice(1500), 'second')], [{ do: 'schedule', runs: [run] }]),
  });
  assert.deepEqual([answer.destroyed, answer.runs], [[], [run.id]]);
  const before = await stored(t);
  const gone = randomUUID();
  const bad: readonly (readonly BatchOperation[])[] = [
    [update([ids[0] ?? '', gone], 'x')],
    [{ do: 'destroy', model: 'piece', ids: [ids[0] ?? '', gone] }],
    [{ do: 'schedule', runs: [scheduled({ task: 'nope' })] }],
    [{ do: 'destroy', model: 'peace', ids: [gone] }],
    [{ do: 'insert', model: 'piece', columns: ['state', 'cuont'], ids: [gone], rows: '[]' }],
    [
      {
        do: 'insert',
        model: 'piece',
        columns: ['count'],
        ids: [gone],
        rows: JSON.stringify([{ id: gone, count: 'many' }]),
      },
    ],
  ];
  for (const last of bad) {
    const operations = parts(
      [insert([randomUUID()])],
      [{ do: 'schedule', runs: [scheduled()] }],
      [{ do: 'destroy', model: 'piece', ids: ids.slice(0, 10) }],
      last,
    );
    await assert.rejects(writeData(t.store, scope, { id: randomUUID(), parts: operations }));
    assert.deepEqual(await stored(t), before);
  }
});

test('a batch whose commit was answered by a cut connection is done once, however often it is sent', async () => {
  const { t, scope } = await stage();
  await using _ = t;
  await using proxy = await startCuttingProxy(t.store.url);
  await using store = await openStore({ url: proxy.url });
  const id = randomUUID();
  const objects = [randomUUID(), randomUUID()];
  const run = scheduled();
  const keyed = scheduled({ key: 'k' });
  await writeData(t.store, scope, {
    id: randomUUID(),
    parts: parts([insert([randomUUID(), randomUUID(), randomUUID()], 'old')]),
  });
  const operations: readonly BatchOperation[] = [
    {
      do: 'destroy_all',
      selection: {
        model: 'piece',
        where: [{ expression: 'state = ?', args: ['old'] }],
        orderBy: [],
        skip: 0,
        limit: null,
      },
    },
    insert(objects),
    { do: 'schedule', runs: [run, keyed] },
  ];
  proxy.loseCommits(1);
  await assert.rejects(writeData(store, scope, { id, parts: parts(operations) }), { code: 'database_unreachable' });
  assert.equal(proxy.lost(), 1);
  const after = await stored(t);
  for (let again = 0; again < 3; again += 1) {
    const { destroyed, runs } = await writeData(store, scope, {
      id,
      parts: parts([operations[0] ?? insert([])], operations.slice(1)),
    });
    assert.deepEqual([destroyed, runs], [[3], [run.id, keyed.id]]);
    assert.deepEqual(await stored(t), after);
  }
});

test('the same batch twice at once is done once, and both get its answer', async () => {
  const { t, scope } = await stage();
  await using _ = t;
  const id = randomUUID();
  const run = scheduled();
  const operations = [insert([randomUUID(), randomUUID()]), { do: 'schedule', runs: [run] } as const];
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => writeData(t.store, scope, { id, parts: parts(operations) })),
  );
  const [first] = answers;
  assert.deepEqual(first?.runs, [run.id]);
  assert.deepEqual(
    answers,
    answers.map(() => first),
  );
});

test('a batch of another run is not answered for this one', async () => {
  const { t, scope } = await stage();
  await using _ = t;
  const id = randomUUID();
  await writeData(t.store, scope, { id, parts: parts([insert([randomUUID()])]) });
  await scheduleRun(t.store, 'testing', { task: 'other' });
  const [other] = await t.claim();
  assert.ok(other !== undefined);
  const caller = { ...scope.caller, runId: other.id, fence: other.fence };
  await assert.rejects(writeData(t.store, { ...scope, caller }, { id, parts: parts([insert([randomUUID()])]) }), {
    code: 'attempt_superseded',
  });
});

test('promise 6: a superseded attempt whose worker is gone deletes no batch of its successor', async () => {
  const { t, scope } = await stage();
  await using _ = t;
  await alterRuns(t.store, "update cloudcode.runs set state = 'queued', outcome = 'lost', attempt_finished_at = now()");
  const [next] = await t.claim();
  assert.equal(next?.id, scope.caller.runId);
  const caller = { ...scope.caller, fence: next.fence };
  const batch = { id: randomUUID(), operations: [{ do: 'schedule', runs: [scheduled()] }] as const };
  const answer = await writeData(t.store, { ...scope, caller }, { id: batch.id, parts: parts(batch.operations) });
  await deleteBatches(t.store, scope.caller);
  assert.deepEqual(
    await writeData(t.store, { ...scope, caller }, { id: batch.id, parts: parts(batch.operations) }),
    answer,
    'sent again, as its answer was lost',
  );
  await deleteBatches(t.store, caller);
  assert.deepEqual(((await stored(t)) as { readonly batches: number }).batches, 0);
});
