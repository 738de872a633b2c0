import { FlowProducer, Queue } from 'bullmq';

export async function run() {
  const queue = new Queue('q', { connection: { host: '127.0.0.1', port: 1, lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 }, skipVersionCheck: true });
  queue.on('error', () => undefined);
  const refused = await queue.add('job', { n: 1 }).then(() => 'added', (error) => error.name);
  await queue.close().catch(() => undefined);
  return { refused, producer: typeof FlowProducer };
}
