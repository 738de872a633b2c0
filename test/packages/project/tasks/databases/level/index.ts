import { Level } from 'level';
import { join } from 'node:path';

export async function run({ folder }) {
  const db = new Level(join(folder, 'level'), { valueEncoding: 'json' });
  await db.put('a', { n: 1 });
  const value = await db.get('a');
  await db.close();
  return value;
}
