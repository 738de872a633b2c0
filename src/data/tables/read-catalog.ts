import type { Queryable } from '../../engine/store/open-store.ts';

/** What is in an environment's schema, as far as it matters for tables of models. */
export interface Catalog {
  readonly hasSchema: boolean;
  /** Every table, view, index, sequence … by name: they share one space of names. */
  readonly relations: ReadonlyMap<string, Relation>;
}

export interface Relation {
  readonly isTable: boolean;
  /** Whether the primary key is `id uuid` and nothing else. */
  readonly hasId: boolean;
  /** Types by column, as columnsOf words them. */
  readonly columns: ReadonlyMap<string, string>;
  /** Check constraints on one column, by name. */
  readonly checks: ReadonlyMap<string, CatalogCheck>;
  /** Without those of constraints. */
  readonly indexes: ReadonlyMap<string, CatalogIndex>;
}

export interface CatalogCheck {
  readonly column: string;
  /** False while there may be values from before it that do not meet it. */
  readonly isValid: boolean;
}

export interface CatalogIndex {
  /** False while it is built or dropped, and for ever when that was interrupted. */
  readonly isValid: boolean;
  readonly method: string;
  /** Null for anything but a plain list of columns: a unique or partial index, one on expressions, a column in descending order. */
  readonly columns: readonly string[] | null;
}

/** Whether the server can compare text by Unicode's rules; a PostgreSQL may be built without. */
export async function hasUnicodeCollation(db: Queryable): Promise<boolean> {
  const rows = await db.query({
    name: 'unicode_collation',
    text: "select 1 as found from pg_collation where collname = 'und-x-icu' and collnamespace = 'pg_catalog'::regnamespace",
  });
  return rows.length > 0;
}

export async function readCatalog(db: Queryable, schema: string): Promise<Catalog> {
  const schemas = await db.query({
    name: 'read_schema',
    text: 'select 1 as found from pg_namespace where nspname = $1',
    values: [schema],
  });
  const rows = await db.query<RelationRow>({
    name: 'read_relations',
    text: `
      select c.relname as name, c.relkind = 'r' as "isTable",
        exists (
          select from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
          where i.indrelid = c.oid and i.indisprimary and i.indnatts = 1 and a.attname = 'id' and a.atttypid = 'uuid'::regtype
        ) as "hasId",
        (
          select coalesce(json_agg(json_build_array(
            a.attname, format_type(a.atttypid, a.atttypmod) || case when l.collname is null then '' else ' collate ' || quote_ident(l.collname) end
          )), '[]')
          from pg_attribute a join pg_type t on t.oid = a.atttypid
            left join pg_collation l on l.oid = a.attcollation and a.attcollation <> t.typcollation
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        ) as columns,
        (
          select coalesce(json_agg(json_build_array(o.conname, json_build_object('column', a.attname, 'isValid', o.convalidated))), '[]')
          from pg_constraint o join pg_attribute a on a.attrelid = c.oid and a.attnum = o.conkey[1]
          where o.conrelid = c.oid and o.contype = 'c' and cardinality(o.conkey) = 1
        ) as checks,
        (
          select coalesce(json_agg(json_build_array(x.relname, json_build_object(
            'isValid', i.indisvalid and i.indisready and i.indislive,
            'method', m.amname,
            'columns', case when not i.indisunique and i.indnatts = i.indnkeyatts and i.indpred is null and i.indexprs is null and 0 = all(i.indoption::int2[]) then (
              select json_agg(a.attname order by k.position)
              from unnest(i.indkey) with ordinality k (attnum, position) join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
            ) end
          ))), '[]')
          from pg_index i join pg_class x on x.oid = i.indexrelid join pg_am m on m.oid = x.relam
          where i.indrelid = c.oid and not exists (select from pg_constraint o where o.conindid = i.indexrelid)
        ) as indexes
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1`,
    values: [schema],
  });
  return { hasSchema: schemas.length > 0, relations: new Map(rows.map((row) => [row.name, relationOf(row)])) };
}

interface RelationRow {
  readonly name: string;
  readonly isTable: boolean;
  readonly hasId: boolean;
  readonly columns: readonly (readonly [string, string])[];
  readonly checks: readonly (readonly [string, CatalogCheck])[];
  readonly indexes: readonly (readonly [string, CatalogIndex])[];
}

function relationOf({ isTable, hasId, columns, checks, indexes }: RelationRow): Relation {
  return { isTable, hasId, columns: new Map(columns), checks: new Map(checks), indexes: new Map(indexes) };
}
