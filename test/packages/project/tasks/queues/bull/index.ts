import Queue from 'bull';
import { withRedis } from '../support.ts';

export async function run() {
  return withRedis(async (port) => {
    const queue = new Queue('q', { redis: { host: '127.0.0.1', port } });
    queue.process(async ({ data }) => data.n * 2);
    const job = await queue.add({ n: 21 });
    const value = await job.finished();
    await queue.close();
    return value;
  });
}
