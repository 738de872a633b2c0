import type { DataModel } from '../model/data-model.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import type { Queryable } from '../../engine/store/open-store.ts';
import { quoteName, tableName } from '../statements/columns.ts';
import { checkNameOf, ownChecks } from './checks.ts';
import { indexShape } from './index-shape.ts';
import { readCatalog, type Relation } from './read-catalog.ts';
import { inStoredNames, type Rename } from './renames.ts';
import { isTakenSql } from './settle-renames.ts';

/** For so long readers and writers queue behind the wait for a table; whoever calls tries again. */
const lockTimeout = '1s';

/**
 * Gives what is stored under former names its new ones, in the transaction of the deployment: no attempt sees a model with tables that are not its.
 * @throws CloudCodeError `data_model_conflict` when something was stored under a new name since that was looked at; a lock that does not come
 */
export async function carryOutRenames(
  db: Queryable,
  schema: string,
  { renames, dataModel }: { readonly renames: readonly Rename[]; readonly dataModel: DataModel },
): Promise<void> {
  if (renames.length === 0) return;
  await run(db, `set local lock_timeout = '${lockTimeout}'`);
  const tables = [
    ...new Set(renames.flatMap(({ table, member, taken }) => [table, ...(member === null ? taken : [])])),
  ].sort();
  await run(db, `lock table ${tables.map((table) => tableName(schema, table)).join(', ')} in access exclusive mode`);
  const { relations } = await readCatalog(db, schema);
  for (const rename of renames.toSorted((one, other) => Number(one.member === null) - Number(other.member === null))) {
    await refuseTaken(db, schema, rename);
    const relation = relations.get(rename.table);
    if (relation === undefined) continue;
    for (const sql of rename.member === null
      ? tableStatements(schema, relation, { rename, names: indexNames(dataModel, renames, rename) })
      : columnStatements(schema, relation, rename))
      await run(db, sql);
  }
}

async function refuseTaken(db: Queryable, schema: string, rename: Rename): Promise<void> {
  const condition = isTakenSql(schema, rename);
  if (condition === null) return;
  const [row] = await db.query<{ found: boolean }>({ name: '', text: `select ${condition} as found` });
  if (row?.found === true)
    throw new CloudCodeError(
      'data_model_conflict',
      `Data model: something was stored under the new name of ${rename.table}${rename.member === null ? '' : `.${rename.member.from}`} meanwhile.`,
      { hint: 'Deploy again: the error then says what to do.' },
    );
}

function columnStatements(schema: string, relation: Relation, { table, columns, taken }: Rename): readonly string[] {
  const alter = `alter table ${tableName(schema, table)}`;
  return [
    ...taken.map((name) => `${alter} drop column ${quoteName(name)}`),
    ...columns.map(({ from, to }) => `${alter} rename column ${quoteName(from)} to ${quoteName(to)}`),
    ...columns.flatMap(({ from, to }) =>
      ownChecks(relation, [from]).map(
        (name) => `${alter} rename constraint ${quoteName(name)} to ${quoteName(checkNameOf(name, from, to))}`,
      ),
    ),
  ];
}

type IndexNames = readonly { readonly from: string; readonly to: string }[];

function tableStatements(
  schema: string,
  { indexes }: Relation,
  { rename: { model, table, taken }, names }: { readonly rename: Rename; readonly names: IndexNames },
): readonly string[] {
  return [
    ...taken.map((name) => `drop table ${tableName(schema, name)}`),
    `alter table ${tableName(schema, table)} rename to ${quoteName(model)}`,
    // Another model may be called so later.
    `alter index if exists ${tableName(schema, `${table}~pkey`)} rename to ${quoteName(`${model}~pkey`)}`,
    ...names
      .filter(({ from }) => indexes.has(from))
      .map(({ from, to }) => `alter index ${tableName(schema, from)} rename to ${quoteName(to)}`),
  ];
}

function indexNames(dataModel: DataModel, renames: readonly Rename[], { model: name }: Rename): IndexNames {
  const place = dataModel.models.findIndex((model) => model.name === name);
  const [model, stored] = [dataModel.models[place], inStoredNames(dataModel, renames).models[place]];
  if (model === undefined || stored === undefined) return [];
  return stored.indexes.flatMap((index, number) => {
    const wanted = model.indexes[number];
    return wanted === undefined ? [] : [{ from: indexShape(stored, index).name, to: indexShape(model, wanted).name }];
  });
}

async function run(db: Queryable, text: string): Promise<void> {
  await db.query({ name: '', text });
}
