import knex from 'knex';

export async function run({ postgres }) {
  const db = knex({ client: 'pg', connection: { connectionString: postgres } });
  const rows = await db.select(db.raw('21 * ? as n', [2]));
  const sql = db('users').where({ id: 1 }).toString();
  await db.destroy();
  return { rows, sql };
}
