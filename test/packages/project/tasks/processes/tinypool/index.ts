import Tinypool from 'tinypool';

export async function run() {
  const pool = new Tinypool({ filename: new URL('./square.mjs', import.meta.url).href, runtime: 'child_process', maxThreads: 1 });
  const values = [await pool.run(3), await pool.run(4)];
  await pool.destroy();
  return values;
}
