import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FieldType, Model } from '../../../src/data/model/data-model.ts';
import { fieldTypes } from '../../../src/data/model/field-types.ts';
import { CloudCodeError } from '../../../src/engine/core/errors.ts';
import { columnsOf } from '../../../src/data/statements/columns.ts';
import { planTables } from '../../../src/data/tables/plan.ts';
import { readCatalog } from '../../../src/data/tables/read-catalog.ts';
import { makeField } from '../statements/open-data.ts';
import { describeSchema, model, type TestTables, testTables } from './open-tables.ts';

const schema = 'cloudcode_testing';
const withoutIndex: readonly FieldType[] = ['location', 'attachment', 'photo', 'signature'];

// Few names and, for each, types that are near to each other, so that models meet and most of them fit.
const fieldsBy: Readonly<Record<string, readonly FieldType[]>> = {
  make: ['text', 'text', 'single-choice'],
  select: ['integer', 'number', 'single-choice-integer'],
  User: ['location', 'location', 'location', 'text'],
  at: ['datetime'],
  tags: ['multiple-choice'],
  file: ['photo', 'signature', 'attachment'],
  rare: [...fieldTypes],
};

const anyModel = (name: string): fc.Arbitrary<Model> => {
  const fields = fc.record(
    Object.fromEntries(Object.entries(fieldsBy).map(([field, types]) => [field, fc.option(fc.constantFrom(...types))])),
  );
  return fc
    .tuple(
      fields,
      fc.subarray(['owner', 'group']),
      fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), { maxLength: 3 }),
    )
    .map(([chosen, belongsTo, picks]) => {
      const present = Object.fromEntries(
        Object.entries(chosen).flatMap(([field, type]) => (type === null ? [] : [[field, type] as const])),
      );
      const indexable = [
        ...Object.keys(present).filter((field) => !withoutIndex.includes(present[field] ?? 'text')),
        ...belongsTo,
      ];
      const indexes =
        indexable.length === 0
          ? []
          : picks.map((pick, number) => ({
              name: `index_${number}`,
              on: [...new Set(pick.map((one) => indexable[one % indexable.length] ?? ''))],
            }));
      return { ...model(name, present, { belongsTo }), indexes };
    });
};

const anyModels = fc
  .tuple(fc.option(anyModel('asset')), fc.option(anyModel('order'), { freq: 2 }))
  .map((models) => models.filter((each) => each !== null));

/** The columns that a field has for each of its types, to tell whether what is stored suits it. */
function fits(stored: ReadonlyMap<string, string>, { name, type }: Model['fields'][number]): boolean {
  const own = columnsOf(makeField(name, type));
  const all = fieldTypes
    .flatMap((each) => columnsOf(makeField(name, each)))
    .filter((column) => stored.has(column.name));
  return all.every((column) =>
    own.some(
      (each) =>
        each.name === column.name &&
        (each.type === stored.get(column.name) ||
          (stored.get(column.name) === 'integer' && each.type === 'double precision')),
    ),
  );
}

/** One value for every type of column, of an object with a number. */
const samples: Readonly<Record<string, string>> = {
  'text collate "C"': "'text ' || i",
  text: "'text ' || i",
  integer: 'i',
  'double precision': 'i + 0.5',
  date: "date '2026-03-01' + i",
  'timestamp(3) with time zone': "timestamptz '2026-03-01' + i * interval '1 day'",
  boolean: 'i % 2 = 0',
  uuid: 'gen_random_uuid()',
  'text[]': "array['a', i::text]",
  'integer[]': 'array[i]',
  bytea: "decode('ff00', 'hex')",
};

async function addRows({ store, sql }: TestTables): Promise<void> {
  for (const [table, { isTable, columns }] of (await readCatalog(store, schema)).relations) {
    if (!isTable) continue;
    const names = [...columns.keys()].map((name) => `"${name}"`).join(', ');
    await sql(
      `insert into ${schema}."${table}" (${names}) select ${[...columns.values()].map((type) => samples[type] ?? 'null').join(', ')} from generate_series(1, 3) i`,
    );
  }
}

/** Every value of every table, by table and then as rows of `column: text`. A widened number reads the same. */
async function readAll({ store, sql }: TestTables): Promise<ReadonlyMap<string, readonly Record<string, unknown>[]>> {
  const all = new Map<string, readonly Record<string, unknown>[]>();
  for (const [table, { isTable }] of (await readCatalog(store, schema)).relations) {
    if (isTable)
      all.set(
        table,
        (
          await sql<{ row: Record<string, unknown> }>(
            `select to_json(t) as row from ${schema}."${table}" t order by id`,
          )
        ).map(({ row }) => row),
      );
  }
  return all;
}

async function checkTransition(tables: TestTables, models: readonly Model[], cut: number): Promise<'refused' | 'done'> {
  const catalog = await readCatalog(tables.store, schema);
  const isFitting = models.every((each) =>
    each.fields.every((field) => fits(catalog.relations.get(each.name)?.columns ?? new Map(), field)),
  );
  const before = { shape: await describeSchema(tables), data: await readAll(tables) };
  if (!isFitting) {
    await assert.rejects(
      tables.prepare(models),
      (error: unknown) => error instanceof CloudCodeError && error.code === 'data_model_conflict',
    );
    assert.deepEqual({ shape: await describeSchema(tables), data: await readAll(tables) }, before);
    return 'refused';
  }
  // The first steps only, as by a deployer that was killed then.
  const { steps } = planTables(schema, catalog, { models });
  for (const step of steps.slice(0, cut % (steps.length + 1))) await tables.sql(step.sql);
  await tables.prepare(models);
  assert.deepEqual(planTables(schema, await readCatalog(tables.store, schema), { models }), {
    steps: [],
    conflicts: [],
  });
  for (const [table, rows] of before.data) {
    const now = (await readAll(tables)).get(table) ?? [];
    assert.deepEqual(
      now.map((row, number) =>
        Object.fromEntries(Object.keys(rows[number] ?? {}).map((column) => [column, row[column]])),
      ),
      rows,
    );
  }
  const { indexes } = await describeSchema(tables);
  for (const each of models) {
    assert.deepEqual(
      Object.keys(indexes).filter((name) => name.startsWith(`${each.name}.`)),
      each.indexes.map(({ name }) => `${each.name}.${name}`).sort(),
    );
  }
  return 'done';
}

test(
  'from every model to the next, cut off anywhere: what is there is kept, what is wanted comes, what does not fit is refused',
  { timeout: 300_000 },
  async () => {
    await using tables = await testTables();
    const seen = { refused: 0, done: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(anyModels, fc.nat({ max: 20 })), { minLength: 2, maxLength: 4 }),
        async (transitions) => {
          await tables.sql(`drop schema if exists ${schema} cascade`);
          for (const [models, cut] of transitions) {
            seen[await checkTransition(tables, models, cut)] += 1;
            await addRows(tables);
          }
        },
      ),
      { numRuns: 60 },
    );
    assert.ok(seen.refused > 5 && seen.done > 50, JSON.stringify(seen));
  },
);
