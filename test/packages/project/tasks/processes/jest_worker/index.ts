import { Worker } from 'jest-worker';
import { fileURLToPath } from 'node:url';

export async function run() {
  const worker = new Worker(fileURLToPath(new URL('./twice.cjs', import.meta.url)), { numWorkers: 1, exposedMethods: ['twice'] });
  const value = await worker.twice(21);
  await worker.end();
  return value;
}
