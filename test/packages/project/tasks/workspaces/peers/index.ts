import { one, Pool, row } from '@parts/store';
import pg from 'pg';
import { z } from 'zod';

export async function run({ postgres }) {
  return { row: await one(postgres), isSamePg: Pool === pg.Pool, isSameZod: row instanceof z.ZodType };
}
