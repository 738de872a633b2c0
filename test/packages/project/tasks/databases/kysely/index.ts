import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';

export async function run({ postgres }) {
  const db = new Kysely<any>({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: postgres }) }) });
  const { rows } = await sql`select 6 * 7 as n`.execute(db);
  const query = db.selectFrom('items').select('id').where('name', '=', 'a').compile().sql;
  await db.destroy();
  return { rows, query };
}
