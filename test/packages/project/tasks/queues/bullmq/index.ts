import { Queue, QueueEvents, Worker } from 'bullmq';
import { withRedis } from '../support.ts';

export async function run() {
  return withRedis(async (port) => {
    const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
    const queue = new Queue('q', { connection });
    const events = new QueueEvents('q', { connection });
    const worker = new Worker('q', async ({ data }) => data.n * 2, { connection });
    await Promise.all([queue.waitUntilReady(), events.waitUntilReady(), worker.waitUntilReady()]);
    const job = await queue.add('job', { n: 21 });
    const value = await job.waitUntilFinished(events);
    await Promise.all([worker.close(), events.close(), queue.close()]);
    return value;
  });
}
