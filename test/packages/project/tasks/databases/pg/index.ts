import pg from 'pg';

export async function run({ postgres }) {
  const client = new pg.Client(postgres);
  await client.connect();
  const { rows } = await client.query('select $1::int + 1 as n, now() is not null as t', [41]);
  await client.end();
  return rows;
}
