import { drizzle } from 'drizzle-orm/node-postgres';
import { sql } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import pg from 'pg';

export async function run({ postgres }) {
  const pool = new pg.Pool({ connectionString: postgres });
  const items = pgTable('items', { id: integer('id').primaryKey(), name: text('name') });
  const db = drizzle(pool);
  const { rows } = await db.execute(sql`select 40 + 2 as n`);
  const query = db.select().from(items).toSQL();
  await pool.end();
  return { rows, query };
}
