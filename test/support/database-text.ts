import type { Store } from '../../src/engine/store/open-store.ts';

/** All rows of all tables of a store, data included, as text. */
export async function databaseText(store: Store): Promise<string> {
  const tables = await store.query<{ name: string }>({
    name: '',
    text: "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname like 'cloudcode%' order by 1",
  });
  const texts = await Promise.all(
    tables.map(async ({ name }) => {
      const [row] = await store.query<{ text: string | null }>({
        name: '',
        text: `select string_agg(t::text, E'\\n') as text from ${name} t`,
      });
      return `${name}:\n${row?.text ?? ''}`;
    }),
  );
  return texts.join('\n');
}
