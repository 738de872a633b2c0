import type { Contender } from '../engine/contender.ts';
import { importPeer } from './import-peer.ts';
import { startRedis } from './redis-server.ts';

interface Queue {
  add(name: string, data: object): Promise<unknown>;
  addBulk(jobs: readonly object[]): Promise<unknown>;
  obliterate(options: { readonly force: boolean }): Promise<void>;
  close(): Promise<void>;
}

interface Worker {
  on(event: 'completed' | 'error', listener: () => void): void;
  close(): Promise<void>;
}

export interface BullMq {
  readonly Queue: new (name: string, options: object) => Queue;
  readonly Worker: new (name: string, processor: unknown, options: object) => Worker;
}

/** Its documentation's example for jobs that wait more than they compute. */
const concurrency = 50;

/** BullMQ with its processor in the worker's own process. It has no queues within a queue: the names are ignored. */
export async function openBullMq(name: string, appendfsync: 'everysec' | 'always'): Promise<Contender> {
  const { Queue, Worker } = await importPeer<BullMq>('bullmq');
  const redis = await startRedis(appendfsync);
  const connection = { path: redis.path, maxRetriesPerRequest: null };
  const queue = new Queue('noop', { connection });
  return {
    name,
    settle: async () => undefined,
    clear: () => queue.obliterate({ force: true }),
    scheduleOne: () => queue.add('noop', {}),
    scheduleMany: (queues) => queue.addBulk(queues.map(() => ({ name: 'noop', data: {} }))),
    async drain(count, withinMs) {
      const doneTimes: number[] = [];
      const over = Promise.withResolvers<undefined>();
      const timer = setTimeout(over.resolve, withinMs, undefined);
      const worker = new Worker('noop', async () => undefined, { connection, concurrency });
      worker.on('error', () => undefined);
      worker.on('completed', () => {
        if (doneTimes.push(performance.now()) === count) over.resolve(undefined);
      });
      await over.promise;
      clearTimeout(timer);
      await worker.close();
      return doneTimes;
    },
    async [Symbol.asyncDispose]() {
      await queue.close();
      await redis[Symbol.asyncDispose]();
    },
  };
}
