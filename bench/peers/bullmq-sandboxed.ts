import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { importPeer } from './import-peer.ts';
import { startRedis } from './redis-server.ts';

/** Times of one machine's clock, in ms. */
export interface Probe {
  readonly calledAt: number;
  readonly resolvedAt: number;
  readonly enteredAt: number;
}

export interface SandboxedProbes extends AsyncDisposable {
  /** Adds a job at each of the given times (ms from now). */
  readonly measure: (times: readonly number[]) => Promise<readonly Probe[]>;
}

interface Job {
  readonly id: string;
  readonly returnvalue: number;
}

interface Queue {
  add(name: string, data: object): Promise<Job>;
  getCompletedCount(): Promise<number>;
  getCompleted(): Promise<readonly Job[]>;
  obliterate(options: { readonly force: boolean }): Promise<void>;
  close(): Promise<void>;
}

/** BullMQ with its processor in a sandbox: child processes that are used again and again. The worker that owns them is a process of its own, as its documentation recommends. */
export async function openSandboxedProbes(concurrency: number): Promise<SandboxedProbes> {
  const { Queue } = await importPeer<{ readonly Queue: new (name: string, options: object) => Queue }>('bullmq');
  const redis = await startRedis('everysec');
  const host = fork(join(import.meta.dirname, 'bullmq-sandbox-host.mjs'), [redis.path, String(concurrency)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(host, 'message');
  const queue = new Queue('probe', { connection: { path: redis.path, maxRetriesPerRequest: null } });
  return {
    async measure(times) {
      await queue.obliterate({ force: true });
      const start = performance.now();
      const added = await Promise.all(
        times.map(async (time) => {
          await sleep(Math.max(0, start + time - performance.now()));
          const calledAt = now();
          const { id } = await queue.add('probe', {});
          return { id, calledAt, resolvedAt: now() };
        }),
      );
      for (let looks = 0; (await queue.getCompletedCount()) < times.length; looks += 1) {
        if (looks > 120) throw new Error('BullMQ has not done all jobs within a minute.');
        await sleep(500);
      }
      const enteredAt = new Map((await queue.getCompleted()).map(({ id, returnvalue }) => [id, returnvalue]));
      return added.map(({ id, calledAt, resolvedAt }) => ({
        calledAt,
        resolvedAt,
        enteredAt: enteredAt.get(id) ?? Number.NaN,
      }));
    },
    async [Symbol.asyncDispose]() {
      const exited = once(host, 'exit');
      host.kill('SIGTERM');
      await exited;
      await queue.close();
      await redis[Symbol.asyncDispose]();
    },
  };
}

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
