import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { destroyMatching } from '../../../src/data/statements/destroy-matching.ts';
import { insertObjects, updateObjects } from '../../../src/data/statements/write-objects.ts';
import { countObjects } from '../../../src/data/statements/count-objects.ts';
import type { SelectCall, Selection } from '../../../src/data/protocol/data-calls.ts';
import type { Page, WireObject, WireValue } from '../../../src/data/protocol/data-answers.ts';
import { orderThings, valueOf } from './expected.ts';
import { type TestData, testData } from './open-data.ts';
import { readPage, valuesOf } from './read-page.ts';
import { columnsOfThing, sampleThings, type Thing, thing } from './things.ts';

let data: TestData;
before(async () => {
  data = await testData([thing]);
});
after(async () => {
  await data[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await data.store.query(destroyMatching(data.target, data.caller, all));
});

const all: Selection = { model: 'thing', where: [], orderBy: [], skip: 0, limit: null };
const names = ['id', ...columnsOfThing];

async function insert(things: readonly Thing[]): Promise<void> {
  await data.store.query(
    insertObjects(data.target, data.caller, {
      model: 'thing',
      columns: columnsOfThing,
      ids: things.map(({ id }) => id),
      rows: JSON.stringify(things),
    }),
  );
}

async function page(call: Omit<SelectCall, 'kind'>): Promise<Page> {
  return readPage(data, data.store, call);
}

function read(object: WireObject, name: string): WireValue {
  return object[names.includes(name) ? names.indexOf(name) : names.indexOf(`${name}_id`)] ?? null;
}

function idOf([id]: WireObject): string {
  assert.ok(typeof id === 'string');
  return id;
}

/** Page after page, as a worker asks for them. */
async function readAll(selection: Selection, pageSize: number): Promise<readonly string[]> {
  const found: WireObject[] = [];
  let last: WireObject | undefined;
  for (let pages = 0; pages < 1000; pages += 1) {
    const left = selection.limit === null ? pageSize : Math.min(pageSize, selection.limit - found.length);
    if (left === 0) return found.map(idOf);
    const from = last;
    const after =
      from === undefined
        ? null
        : [...selection.orderBy.map((term) => read(from, term.replace('-', ''))), read(from, 'id')];
    const { objects, cut } = await page({ selection, after, pageSize: left });
    found.push(...objects);
    last = objects.at(-1);
    if (objects.length < left && !cut) return found.map(idOf);
  }
  throw new Error('the pages have no end');
}

test('pages in any order are the sorted whole, each object once', { timeout: 300_000 }, async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const things = sampleThings(60, seed);
  await insert(things);
  const sortable = [
    'id',
    'name',
    'contains',
    'count',
    'weight',
    'day',
    'at',
    'done',
    'status',
    'level',
    'owner',
    'owner_id',
    'in',
  ];
  const term = fc
    .tuple(fc.constantFrom(...sortable), fc.boolean())
    .map(([name, isDescending]) => (isDescending ? `-${name}` : name));
  const wanted = fc.record({
    orderBy: fc.array(term, { maxLength: 3 }),
    pageSize: fc.integer({ min: 1, max: 70 }),
    skip: fc.constantFrom(0, 0, 1, 59, 100),
    limit: fc.constantFrom(null, null, 0, 1, 2, 30),
  });
  await fc.assert(
    fc.asyncProperty(wanted, async ({ pageSize, ...selection }) => {
      const sorted = things
        .toSorted(orderThings(selection.orderBy))
        .slice(selection.skip, selection.limit === null ? undefined : selection.skip + selection.limit);
      const found = await readAll({ ...all, ...selection }, pageSize);
      const isAny = selection.limit === 1 && selection.orderBy.length === 0 && selection.skip === 0;
      if (isAny) assert.equal(found.length, 1);
      else
        assert.deepEqual(
          found,
          sorted.map(({ id }) => id),
          `things of seed ${seed}`,
        );
      const [counted] = await data.store.query<{ count: number }>(
        countObjects(data.target, data.caller, { ...all, ...selection }),
      );
      assert.equal(counted?.count, sorted.length);
    }),
    { numRuns: 300 },
  );
});

test('destroying a part destroys the first in the order', async () => {
  const things = sampleThings(40, 5);
  await insert(things);
  const sorted = things.toSorted(orderThings(['-weight', 'name']));
  const [row] = await data.store.query<{ count: number }>(
    destroyMatching(data.target, data.caller, { ...all, orderBy: ['-weight', 'name'], skip: 3, limit: 10 }),
  );
  assert.equal(row?.count, 10);
  const left = [...sorted.slice(0, 3), ...sorted.slice(13)].map(({ id }) => id);
  assert.deepEqual((await readAll(all, 100)).toSorted(), left.toSorted());
});

test('every value comes back exactly as it was sent', async () => {
  const things = sampleThings(500, 77);
  await insert(things);
  const { objects } = await page({ selection: all, after: null, pageSize: 1000 });
  const found = new Map(objects.map((object) => [object[0], object.slice(0, -1)]));
  for (const sent of JSON.parse(JSON.stringify(things)) as Thing[]) {
    const file = sent['file'] as Record<string, unknown> | null;
    const { base64: _, ...stored } = file ?? {};
    const expected = names.map((name) => (name === 'file' && file !== null ? stored : valueOf(sent, name)));
    assert.deepEqual(found.get(sent.id), expected);
  }
});

test('an update of many objects stores values of every type as an insert does, empty ones too', async () => {
  const things = sampleThings(60, 3);
  await insert(things);
  const inserted = await page({ selection: all, after: null, pageSize: 100 });
  await data.store.query(destroyMatching(data.target, data.caller, all));
  await insert(things.map(({ id }) => ({ id })));
  const sent = JSON.parse(JSON.stringify(things)) as Thing[];
  const [row] = await data.store.query<{ missing: unknown }>(
    updateObjects(data.target, data.caller, {
      model: 'thing',
      columns: columnsOfThing,
      ids: sent.map(({ id }) => id),
      values: columnsOfThing.map((column) => JSON.stringify(sent.map((each) => each[column] ?? null))),
    }),
  );
  assert.equal(row?.missing, null);
  const updated = await page({ selection: all, after: null, pageSize: 100 });
  assert.equal(updated.objects.length, things.length);
  assert.deepEqual(valuesOf(updated), valuesOf(inserted));
});

test('a page ends at about 4 MiB, with one object at least, and says that it was cut', async () => {
  const [first] = sampleThings(1, 1);
  assert.ok(first !== undefined);
  const large = Array.from({ length: 10 }, (_, index) => ({
    ...first,
    id: `00000000-0000-4000-8000-00000000000${index}`,
    name: 'x'.repeat(index === 5 ? 5 * 1024 * 1024 : 1_000_000),
  }));
  await insert(large);
  const sizes: number[] = [];
  for (let last: WireValue = null, isCut = true; isCut;) {
    const answer = await page({ selection: all, after: last === null ? null : [last], pageSize: 100 });
    sizes.push(answer.objects.length);
    last = answer.objects.at(-1)?.[0] ?? null;
    isCut = answer.cut;
  }
  assert.deepEqual(sizes, [5, 1, 4]);
  const { objects, cut } = await page({ selection: all, after: null, pageSize: 3 });
  assert.deepEqual([objects.length, cut], [3, false]);
});
