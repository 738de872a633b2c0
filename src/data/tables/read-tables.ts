import type { Queryable } from '../../store/open-store.ts';

/** What the schema of an environment holds, by the database's own catalog: whatever people have changed by hand is seen. */
export interface StoredTables {
  readonly hasSchema: boolean;
  readonly tables: ReadonlyMap<string, StoredTable>;
}

export interface StoredTable {
  /** Whether it is a table whose primary key is `id uuid`. */
  readonly isOfModel: boolean;
  /** Types as PostgreSQL writes them, by column. */
  readonly columns: ReadonlyMap<string, string>;
  readonly indexes: ReadonlyMap<string, StoredIndex>;
}

export interface StoredIndex {
  /** What we noted when we made it; null for one that is not ours. */
  readonly comment: string | null;
  /** False for what a build that was cut off has left. */
  readonly isValid: boolean;
}

export async function readTables(db: Queryable, schema: string): Promise<StoredTables> {
  const [found] = await db.query<{ found: boolean }>({
    name: 'has_schema',
    text: 'select exists (select from pg_namespace where nspname = $1) as found',
    values: [schema],
  });
  const rows = await db.query<{ name: string; isOfModel: boolean; columns: Record<string, string>; indexes: Record<string, StoredIndex> }>({
    name: 'read_tables',
    text: `
      select c.relname as name,
        c.relkind in ('r', 'p') and exists (
          select from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
          where i.indrelid = c.oid and i.indisprimary and i.indnatts = 1 and a.attname = 'id' and a.atttypid = 'uuid'::regtype
        ) as "isOfModel",
        coalesce((
          select json_object_agg(a.attname, format_type(a.atttypid, a.atttypmod))
          from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        ), '{}'::json) as columns,
        coalesce((
          select json_object_agg(x.relname, json_build_object('comment', obj_description(x.oid, 'pg_class'), 'isValid', i.indisvalid))
          from pg_index i join pg_class x on x.oid = i.indexrelid where i.indrelid = c.oid and not i.indisprimary
        ), '{}'::json) as indexes
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f')`,
    values: [schema],
  });
  const tables = rows.map(({ name, isOfModel, columns, indexes }) => {
    return [name, { isOfModel, columns: new Map(Object.entries(columns)), indexes: new Map(Object.entries(indexes)) }] as const;
  });
  return { hasSchema: found?.found === true, tables: new Map(tables) };
}
