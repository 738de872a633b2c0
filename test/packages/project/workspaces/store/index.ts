import pg from 'pg';
import { z } from 'zod';

export const Pool = pg.Pool;
export const row: z.ZodType = z.object({ n: z.number() });

export async function one(url: string): Promise<unknown> {
  const pool = new Pool({ connectionString: url });
  const { rows } = await pool.query('select 1 as n');
  await pool.end();
  return row.parse(rows[0]);
}
