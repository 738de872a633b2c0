import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export async function inThread(value: string): Promise<unknown> {
  const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: value });
  const [answer] = await once(worker, 'message') as [unknown];
  await worker.terminate();
  return answer;
}
