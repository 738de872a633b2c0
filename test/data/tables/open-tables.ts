import type { DataModel, Field, FieldType, Model } from '../../../src/data/model/data-model.ts';
import type { OnProgress } from '../../../src/engine/operations/extension.ts';
import { prepareTables } from './prepare-tables.ts';
import type { Store } from '../../../src/engine/store/open-store.ts';
import { testStore } from '../../support/store.ts';
import { makeField, makeModel } from '../statements/open-data.ts';

export interface TestTables extends AsyncDisposable {
  readonly store: Store;
  /** Brings the tables of `testing` to some models. @returns what was told */
  prepare(models: readonly Model[], onProgress?: OnProgress): Promise<readonly string[]>;
  sql<Row extends object>(text: string, ...values: readonly unknown[]): Promise<readonly Row[]>;
}

export async function testTables(): Promise<TestTables> {
  const { store, [Symbol.asyncDispose]: dispose } = await testStore();
  return {
    store,
    async prepare(models, onProgress) {
      const told: string[] = [];
      await prepareTables(store, 'testing', { models } satisfies DataModel, (what) => {
        told.push(what);
        onProgress?.(what);
      });
      return told;
    },
    sql: (text, ...values) => store.query({ name: '', text, values }),
    [Symbol.asyncDispose]: dispose,
  };
}

/** A model by the types of its fields and what its indexes are on, each called after it. */
export function model(
  name: string,
  fields: Readonly<Record<string, FieldType>>,
  rest: { readonly belongsTo?: readonly string[]; readonly indexes?: readonly (readonly string[])[] } = {},
): Model {
  const made: readonly Field[] = Object.entries(fields).map(([field, type]) =>
    makeField(field, type, type.endsWith('integer') ? [1, 2] : ['a', 'b']),
  );
  const belongsTo = (rest.belongsTo ?? []).map((one) => ({ name: one, model: name }));
  return {
    ...makeModel(name, made, belongsTo),
    indexes: (rest.indexes ?? []).map((on) => ({ name: on.join('_'), on })),
  };
}

/** Columns of the environment's tables with their types, and definitions of indexes, as PostgreSQL sees them. */
export async function describeSchema(
  { sql }: TestTables,
  schema = 'cloudcode_testing',
): Promise<{ readonly columns: Readonly<Record<string, string>>; readonly indexes: Readonly<Record<string, string>> }> {
  const columns = await sql<{ name: string; type: string }>(
    `select c.relname || '.' || a.attname as name, format_type(a.atttypid, a.atttypmod) || coalesce(' ' || l.collname, '') || case when a.attnotnull then ' not null' else '' end as type
    from pg_class c join pg_attribute a on a.attrelid = c.oid left join pg_collation l on l.oid = a.attcollation
    where c.relnamespace = to_regnamespace($1) and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped order by 1`,
    schema,
  );
  const indexes = await sql<{ name: string; definition: string }>(
    `select x.relname as name, case when i.indisvalid then '' else 'invalid ' end || regexp_replace(pg_get_indexdef(x.oid), '^.* USING ', '') as definition
    from pg_index i join pg_class x on x.oid = i.indexrelid join pg_class c on c.oid = i.indrelid
    where c.relnamespace = to_regnamespace($1) and c.relkind = 'r' and not i.indisprimary order by 1`,
    schema,
  );
  return {
    columns: Object.fromEntries(columns.map(({ name, type }) => [name, type])),
    indexes: Object.fromEntries(indexes.map(({ name, definition }) => [name, definition])),
  };
}
