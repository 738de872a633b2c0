import { newestRuns } from './newest-runs.ts';
import type { Queryable } from './queryable.ts';
import type { RunFilter } from './run-filter.ts';

/** A run in whose texts something was found. */
export interface FoundRun {
  readonly id: string;
  readonly seq: string;
  /** Its place among those that were looked at, from 1 on. */
  readonly place: number;
}

export interface Searched {
  readonly looked: number;
  /** The order number of the last run that was looked at; null where there was none. */
  readonly lastSeq: string | null;
  readonly found: readonly FoundRun[];
}

/** Texts that are stored in more bytes are not looked at: a run may have 10 MB of them. */
const maxBytes = 65_536;

/** Looks for a text in the parameters and errors of as many as `limit` of the newest runs of a filter. Of the letters from A to Z, small and capital ones are alike. */
export async function searchNewest(
  db: Queryable,
  environmentId: number,
  { text, limit, ...filter }: RunFilter & { readonly text: string; readonly limit: number },
): Promise<Searched> {
  const newest = newestRuns(environmentId, filter, limit);
  const patterns = `$${newest.values.length + 1}::text[]`;
  const has = (json: string): string =>
    `coalesce(pg_column_size(${json}) <= ${maxBytes} and ${json}::text ilike any (${patterns}), false)`;
  const [row] = await db.query<Searched>({
    name: '',
    text: `${newest.text}
      select count(*)::integer as looked, min(seq)::text as "lastSeq",
        coalesce(json_agg(json_build_object('id', id, 'seq', seq::text, 'place', place) order by seq desc) filter (where is_found), '[]') as found
      from (
        select n.id, n.seq, row_number() over (order by n.seq desc) as place,
          ${has('r.parameters')} or ${has('r.error')} or ${has('r.attempt_error')} as is_found
        from newest n cross join lateral (select * from cloudcode.runs where id = n.id limit 1) r
      ) looked`,
    values: [...newest.values, patternsOf(text)],
  });
  return row ?? { looked: 0, lastSeq: null, found: [] };
}

/** The order number of the newest run of a filter; null where there is none. */
export async function readNewestSeq(db: Queryable, environmentId: number, filter: RunFilter): Promise<string | null> {
  const newest = newestRuns(environmentId, filter, 1);
  const [row] = await db.query<{ seq: string }>({
    name: '',
    text: `${newest.text} select seq::text as seq from newest`,
    values: newest.values,
  });
  return row?.seq ?? null;
}

/** As it is, which finds names with their values, and as a string is written in JSON. */
function patternsOf(text: string): readonly string[] {
  const forms = new Set([text.replaceAll('\0', '\u2400'), JSON.stringify(text).slice(1, -1)]);
  return [...forms].map((form) => `%${form.replace(/[\\%_]/g, String.raw`\$&`)}%`);
}
