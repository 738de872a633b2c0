import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { countObjects } from '../../../src/data/statements/count-objects.ts';
import { destroyMatching } from '../../../src/data/statements/destroy-matching.ts';
import { selectPage } from '../../../src/data/statements/select-page.ts';
import { destroyObjects, updateObjects } from '../../../src/data/statements/write-objects.ts';
import type { SelectCall, Selection } from '../../../src/data/protocol/data-calls.ts';
import type { WireValue } from '../../../src/data/protocol/data-answers.ts';
import type { Statement } from '../../../src/engine/store/open-store.ts';
import { makeField, makeModel, type TestData, testData } from './open-data.ts';

const item = makeModel(
  'item',
  [
    makeField('name', 'text'),
    makeField('count', 'integer'),
    makeField('weight', 'number'),
    makeField('at', 'datetime'),
    makeField('status', 'single-choice', ['new', 'rare']),
  ],
  [{ name: 'owner', model: 'item' }],
);
const anId = '00000000-0000-4000-8000-000000050000';
const rows = 100_000;

let data: TestData;
before(async () => {
  data = await testData([item]);
  const text = [
    `insert into cloudcode_testing.item (id, name, count, weight, at, status, owner_id)
      select ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, case when i % 10 > 0 then 'name ' || (i * 7919) % ${rows} end, case when i % 10 > 0 then (i * 104729) % ${rows} end,
        i / 7.0, timestamptz '2026-01-01' + i * interval '1 minute', case when i % 10000 = 0 then 'rare' else 'new' end, ('00000000-0000-4000-8000-' || lpad((i % 1000)::text, 12, '0'))::uuid
      from generate_series(1, ${rows}::bigint) i`,
    // As <index> makes them: with the id last.
    ...['name', 'count', 'at', 'owner_id'].map(
      (column) => `create index "by_${column}" on cloudcode_testing.item ("${column}", id)`,
    ),
    'create index "by_status_count" on cloudcode_testing.item (status, count desc, id)',
    'analyze cloudcode_testing.item',
  ];
  for (const each of text) await data.store.query({ name: '', text: each });
});
after(async () => {
  await data[Symbol.asyncDispose]();
});

/** The plan of a statement, as it was carried out. */
async function explain(statement: Statement): Promise<string> {
  const lines = await data.store.query<{ 'QUERY PLAN': string }>({
    name: '',
    text: `explain (analyze, timing off, costs off) ${statement.text}`,
    values: statement.values ?? [],
  });
  return lines.map((line) => line['QUERY PLAN']).join('\n');
}

function selectionOf(expression: string, ...args: readonly WireValue[]): Selection {
  return { model: 'item', where: expression === '' ? [] : [{ expression, args }], orderBy: [], skip: 0, limit: null };
}

function pageOf(selection: Selection, after: SelectCall['after'] = null): Statement {
  return selectPage(data.target, data.caller, { kind: 'select', selection, after, pageSize: 100 });
}

function usesIndex(plan: string, index: string): void {
  assert.match(plan, new RegExp(`\\b${index}\\b`));
  assert.doesNotMatch(plan, /Seq Scan on item/);
  // What an index scan reads and then throws away stays small.
  for (const [, removed] of plan.matchAll(/Rows Removed by \w+: (\d+)/g)) assert.ok(Number(removed) <= 100, plan);
}

const cases: readonly (readonly [string, string, ...WireValue[]])[] = [
  ['item_pkey', 'id = ?', anId],
  ['item_pkey', 'id in ?', [anId, anId.replace('5', '6')]],
  ['by_name', 'name = ?', 'name 5'],
  ['by_name', 'name in ?', ['name 5', 'name 6']],
  ['by_name', 'name >= ? and name < ?', 'name 5000', 'name 5001'],
  ['by_name', 'not name != ?', 'name 5'],
  ['by_name', 'not (name != ? and not name in ?)', 'name 5', ['name 6', 'name 7']],
  ['by_name', 'name = ? or name = ?', 'name 5', 'name 6'],
  ['by_count', 'count = ?', 5],
  ['by_count', 'count in ?', [5, 6, 7.5]],
  ['by_(status_)?count', 'count > ? and count <= ?', 99_990.5, 1e300],
  ['by_at', 'at > ? and at < ?', '2026-02-01T00:00:00.000Z', '2026-02-01T01:00:00.000Z'],
  ['by_owner_id', 'owner = ?', anId.replace('50000', '00500')],
  ['by_status(_count)?', 'status = ?', 'rare'],
  ['by_status_count', 'status = ? and count > ?', 'new', 99_990],
];

for (const [index, expression, ...args] of cases) {
  test(`an index serves ${expression}`, async () => {
    const selection = selectionOf(expression, ...args);
    usesIndex(await explain(pageOf(selection)), index);
    usesIndex(await explain(countObjects(data.target, data.caller, selection)), index);
    usesIndex(await explain(pageOf({ ...selection, limit: 1 })), index);
  });
}

test('an index serves an order with a limit, and each page after a place', async () => {
  const place = ['name 500', anId];
  for (const orderBy of [['name'], ['-name']]) {
    usesIndex(await explain(pageOf({ ...selectionOf(''), orderBy })), 'by_name');
    usesIndex(await explain(pageOf({ ...selectionOf(''), orderBy }, place)), 'by_name');
    usesIndex(await explain(pageOf({ ...selectionOf(''), orderBy }, [null, anId])), 'by_name');
  }
  usesIndex(await explain(pageOf(selectionOf(''), [anId])), 'item_pkey');
  usesIndex(
    await explain(
      pageOf({ ...selectionOf('at > ?', '2026-02-01T00:00:00.000Z'), orderBy: ['at'] }, [
        '2026-02-02T00:00:00.000Z',
        anId,
      ]),
    ),
    'by_at',
  );
  usesIndex(
    await explain(pageOf({ ...selectionOf('status = ?', 'new'), orderBy: ['-count'] }, [5000, anId])),
    'by_status_count',
  );
  usesIndex(
    await explain(pageOf({ ...selectionOf(''), orderBy: ['status', '-count'] }, ['new', 5000, anId])),
    'by_status_count',
  );
});

test('a page far behind costs as much as the first', async () => {
  const pageAfter = (place: readonly WireValue[] | null): Promise<string> =>
    explain(pageOf({ ...selectionOf(''), orderBy: ['count'] }, place));
  for (const plan of [
    await pageAfter([50_000, anId]),
    await pageAfter([99_000, anId]),
    await pageAfter([null, anId]),
  ]) {
    const read = [...plan.matchAll(/Index.* Scan.*actual rows=(\d+)/g)].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    );
    assert.ok(read > 0 && read <= 300, plan);
  }
});

test('writes find their objects by the primary key', async () => {
  const many = Array.from(
    { length: 500 },
    (_, index) => `00000000-0000-4000-8000-${String(index * 100 + 1).padStart(12, '0')}`,
  );
  for (const ids of [[anId], many]) {
    const values = [JSON.stringify(ids.map(() => 1))];
    usesIndex(
      await explain(updateObjects(data.target, data.caller, { model: 'item', columns: ['weight'], ids, values })),
      'item_pkey',
    );
    usesIndex(await explain(destroyObjects(data.target, data.caller, { model: 'item', ids })), 'item_pkey');
  }
  usesIndex(
    await explain(destroyMatching(data.target, data.caller, selectionOf('count < ?', 5))),
    'by_(status_)?count',
  );
});
