import { createClient } from '@libsql/client';

export async function run() {
  const db = createClient({ url: ':memory:' });
  const { rows } = await db.execute({ sql: 'select ? + 1 as n', args: [41] });
  db.close();
  return rows.map((row) => row.n);
}
