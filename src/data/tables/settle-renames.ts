import { quoteName, tableName } from '../statements/columns.ts';
import type { Queryable } from '../../engine/store/open-store.ts';
import type { Conflict } from './conflicts.ts';
import type { Catalog } from './read-catalog.ts';
import { findRenames, type Models, type Rename } from './renames.ts';

export interface Renames {
  readonly renames: readonly Rename[];
  readonly conflicts: readonly Conflict[];
}

/** Which renames are to be carried out: where something has the new name already, only when that holds nothing; when the former holds nothing, there is nothing to move. */
export async function settleRenames(
  db: Queryable,
  schema: string,
  { catalog, models }: { readonly catalog: Catalog; readonly models: Models },
): Promise<Renames> {
  const empty = new Set<string>();
  for (const rename of findRenames(catalog, models))
    if (rename.member === null && (await standing(db, schema, rename)) === 'nothing to move') empty.add(rename.model);
  const renames: Rename[] = [];
  const conflicts: Conflict[] = [];
  for (const rename of findRenames(catalog, models, (model) => empty.has(model))) {
    const how = await standing(db, schema, rename);
    if (how === 'move') renames.push(rename);
    if (how === 'both') conflicts.push(bothHold(schema, rename));
  }
  return { renames, conflicts };
}

async function standing(db: Queryable, schema: string, rename: Rename): Promise<'move' | 'nothing to move' | 'both'> {
  if (rename.taken.length === 0) return 'move';
  if (!(await isThere(db, takenSql(schema, rename)))) return 'move';
  return (await isThere(db, filled(tableName(schema, rename.table), rename.stored))) ? 'both' : 'nothing to move';
}

async function isThere(db: Queryable, condition: string): Promise<boolean> {
  const [row] = await db.query<{ found: boolean }>({ name: '', text: `select ${condition} as found` });
  return row?.found === true;
}

function takenSql(schema: string, { model, table, member, taken }: Rename): string {
  return member === null ? filled(tableName(schema, model), []) : filled(tableName(schema, table), taken);
}

function filled(table: string, columns: readonly string[]): string {
  return `exists (select from ${table}${columns.length === 0 ? '' : ` where num_nonnulls(${columns.map(quoteName).join(', ')}) > 0`})`;
}

function bothHold(schema: string, { model, table, member, stored, checks, taken }: Rename): Conflict {
  const from = tableName(schema, table);
  if (member === null) {
    return {
      message: `${model} is renamed from ${table}, and there are objects of both`,
      countSql: null,
      misfitsSql: null,
      remedySql: `alter table ${from} rename to ${quoteName(`${table}~1`)};`,
    };
  }
  const moves = stored
    .filter((_, index) => taken[index] !== undefined)
    .map((name, index) => `${quoteName(taken[index] ?? '')} = ${quoteName(name)}`);
  const putAside = [
    ...(checks.length === 0
      ? []
      : [`alter table ${from} ${checks.map((name) => `drop constraint ${quoteName(name)}`).join(', ')};`]),
    ...stored.map(
      (name) =>
        `alter table ${from} rename column ${quoteName(name)} to ${quoteName(`${member.from}~1${name.slice(member.from.length)}`)};`,
    ),
  ];
  return {
    message: `${model}.${member.to} is renamed from ${member.from}, and both have values`,
    countSql: `select count(*)::integer as count from ${from} where num_nonnulls(${stored.map(quoteName).join(', ')}) > 0`,
    misfitsSql: null,
    remedySql: `update ${from} set ${moves.join(', ')} where num_nonnulls(${taken.map(quoteName).join(', ')}) = 0; ${putAside.join(' ')}`,
  };
}

/** Whether what has the new name holds something by now, as a condition. */
export function isTakenSql(schema: string, rename: Rename): string | null {
  return rename.taken.length === 0 ? null : takenSql(schema, rename);
}
