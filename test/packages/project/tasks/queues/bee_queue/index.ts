import Queue from 'bee-queue';
import { withRedis } from '../support.ts';

export async function run() {
  return withRedis(async (port) => {
    const queue = new Queue('q', { redis: { host: '127.0.0.1', port } });
    queue.process(async ({ data }) => data.n * 2);
    const job = queue.createJob({ n: 21 });
    const done = new Promise((resolve, reject) => { job.on('succeeded', resolve); job.on('failed', reject); });
    await job.save();
    const value = await done;
    await queue.close();
    return value;
  });
}
