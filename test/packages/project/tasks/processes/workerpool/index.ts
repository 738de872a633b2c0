import workerpool from 'workerpool';

export async function run() {
  const pool = workerpool.pool({ maxWorkers: 1 });
  const sum = await pool.exec((a, b) => a + b, [40, 2]);
  await pool.terminate();
  return sum;
}
