import type { Contender } from '../engine/contender.ts';
import type { Database } from '../engine/server.ts';
import { importPeer } from './import-peer.ts';

interface Boss {
  on(event: 'error' | 'warning', listener: () => void): void;
  start(): Promise<unknown>;
  stop(options: object): Promise<void>;
  createQueue(name: string, options?: object): Promise<void>;
  send(name: string, data: object, options: object): Promise<unknown>;
  insert(name: string, jobs: readonly object[]): Promise<unknown>;
  fetch(name: string, options: { readonly batchSize: number }): Promise<readonly { readonly id: string }[]>;
  complete(name: string, ids: readonly string[]): Promise<unknown>;
  deleteAllJobs(name: string): Promise<unknown>;
}

/** `work` would sleep half a second after a batch that was not full; fetching and completing by ourselves does not. */
const batchSize = 500;
const lanes = 2;

export interface BossOptions {
  readonly database: Database;
  readonly name: string;
  /** `key_strict_fifo`: one job of a key at a time, in order. */
  readonly policy: 'standard' | 'key_strict_fifo';
}

export async function openPgBoss({ database, name, policy }: BossOptions): Promise<Contender> {
  const { PgBoss } = await importPeer<{ readonly PgBoss: new (options: object) => Boss }>('pg-boss');
  const boss = new PgBoss({ connectionString: database.url, supervise: false, schedule: false });
  boss.on('error', () => undefined);
  boss.on('warning', () => undefined);
  await boss.start();
  await boss.createQueue('noop', { policy });
  return {
    name,
    settle: database.settle,
    clear: () => boss.deleteAllJobs('noop'),
    scheduleOne: (singletonKey) => boss.send('noop', {}, singletonKey === null ? {} : { singletonKey }),
    scheduleMany: (queues) =>
      boss.insert(
        'noop',
        queues.map((singletonKey) => ({ data: {}, ...(singletonKey === null ? {} : { singletonKey }) })),
      ),
    async drain(count, withinMs) {
      const end = performance.now() + withinMs;
      const doneTimes: number[] = [];
      const lane = async (): Promise<void> => {
        while (doneTimes.length < count && performance.now() < end) {
          const jobs = await boss.fetch('noop', { batchSize });
          if (jobs.length === 0) continue;
          await boss.complete(
            'noop',
            jobs.map(({ id }) => id),
          );
          for (let job = 0; job < jobs.length; job += 1) doneTimes.push(performance.now());
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      return doneTimes;
    },
    [Symbol.asyncDispose]: () => boss.stop({ graceful: false }),
  };
}
