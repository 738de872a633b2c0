import pg from 'pg';
import type { Contender } from '../engine/contender.ts';
import type { Database } from '../engine/server.ts';
import { importPeer } from './import-peer.ts';

interface GraphileWorker {
  readonly makeWorkerUtils: (options: object) => Promise<{
    migrate(): Promise<void>;
    addJob(task: string, payload: object): Promise<unknown>;
    addJobs(jobs: readonly object[]): Promise<unknown>;
    release(): Promise<void>;
  }>;
  readonly run: (options: object) => Promise<{ stop(): Promise<void> }>;
  readonly Logger: new (factory: () => () => void) => object;
}

// As its documentation's page on performance has it.
const concurrentJobs = 24;
const maxPoolSize = 25;
const batching = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };

export interface GraphileOptions {
  readonly database: Database;
  readonly name: string;
  readonly hasLocalQueue: boolean;
}

/** graphile-worker: it deletes a job when it is done. */
export async function openGraphileWorker({ database, name, hasLocalQueue }: GraphileOptions): Promise<Contender> {
  const { makeWorkerUtils, run, Logger } = await importPeer<GraphileWorker>('graphile-worker');
  const logger = new Logger(() => () => undefined);
  const pgPool = new pg.Pool({ connectionString: database.url, max: maxPoolSize });
  pgPool.on('error', () => undefined);
  pgPool.on('connect', (client) => client.on('error', () => undefined));
  const utils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();
  return {
    name,
    settle: database.settle,
    clear: () => database.query('truncate graphile_worker._private_jobs, graphile_worker._private_job_queues'),
    scheduleOne: () => utils.addJob('noop', {}),
    scheduleMany: (queues) =>
      utils.addJobs(
        queues.map((queueName) => ({ identifier: 'noop', payload: {}, ...(queueName === null ? {} : { queueName }) })),
      ),
    async drain(count, withinMs) {
      const doneTimes: number[] = [];
      const over = Promise.withResolvers<undefined>();
      const timer = setTimeout(over.resolve, withinMs, undefined);
      const noop = async (): Promise<void> => {
        if (doneTimes.push(performance.now()) === count) over.resolve(undefined);
      };
      const preset = { worker: { concurrentJobs, ...(hasLocalQueue ? batching : {}) } };
      const runner = await run({ pgPool, logger, taskList: { noop }, preset, noHandleSignals: true });
      await over.promise;
      clearTimeout(timer);
      await runner.stop();
      return doneTimes;
    },
    async [Symbol.asyncDispose]() {
      await utils.release();
      await pgPool.end();
    },
  };
}
