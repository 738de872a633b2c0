import { open } from 'lmdb';
import { join } from 'node:path';

export async function run({ folder }) {
  const db = open({ path: join(folder, 'lmdb') });
  await db.put('a', { n: 1 });
  const value = db.get('a');
  await db.close();
  return value;
}
