import { Piscina } from 'piscina';

export async function run() {
  const pool = new Piscina({ filename: new URL('./square.mjs', import.meta.url).href, maxThreads: 2 });
  const values = await Promise.all([1, 2, 3].map((n) => pool.run(n)));
  await pool.destroy();
  return values;
}
