// A BullMQ worker with a sandboxed processor, in a process of its own, until SIGTERM.

import { join } from 'node:path';
import { Worker } from 'bullmq';

const [path, concurrency] = process.argv.slice(2);
const worker = new Worker('probe', join(import.meta.dirname, 'bullmq-probe.cjs'), {
  connection: { path, maxRetriesPerRequest: null },
  concurrency: Number(concurrency),
});
process.once('SIGTERM', async () => {
  await worker.close();
  process.exit(0);
});
process.once('disconnect', () => process.exit(0));
await worker.waitUntilReady();
process.send('ready');
