import knex from 'knex';

export async function run() {
  const db = knex({ client: 'better-sqlite3', connection: { filename: ':memory:' }, useNullAsDefault: true });
  await db.schema.createTable('t', (table) => { table.increments(); table.string('name'); });
  await db('t').insert([{ name: 'a' }, { name: 'b' }]);
  const rows = await db('t').select().orderBy('id');
  await db.destroy();
  return rows;
}
