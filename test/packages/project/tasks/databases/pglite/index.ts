import { PGlite } from '@electric-sql/pglite';

export async function run() {
  const db = new PGlite();
  const { rows } = await db.query('select 6 * 7 as n');
  await db.close();
  return rows;
}
