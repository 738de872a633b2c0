import { wrap } from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { Worker } from 'node:worker_threads';

export async function run() {
  const worker = new Worker(new URL('./sums.mjs', import.meta.url));
  const sums = wrap(nodeEndpoint(worker));
  const sum = await sums.add(40, 2);
  await worker.terminate();
  return sum;
}
