import pg from 'pg';
import type { Contender } from '../engine/contender.ts';
import type { Database } from '../engine/server.ts';
import { importPeer } from './import-peer.ts';

interface GraphileWorker {
  readonly makeWorkerUtils: (options: object) => Promise<{
    migrate(): Promise<void>;
    addJob(task: string, payload: object, spec: object): Promise<unknown>;
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

/**
 * graphile-worker: it deletes a job when it is done. With its batching a worker goes on before that, and its events are told before it: a job counts when its deletion is confirmed,
 * as an end does for all the others.
 */
export async function openGraphileWorker({ database, name, hasLocalQueue }: GraphileOptions): Promise<Contender> {
  const { makeWorkerUtils, run, Logger } = await importPeer<GraphileWorker>('graphile-worker');
  const logger = new Logger(() => () => undefined);
  const pgPool = new pg.Pool({ connectionString: database.url, max: maxPoolSize });
  pgPool.on('error', () => undefined);
  pgPool.on('connect', (client) => client.on('error', () => undefined));
  let onEnded: () => void = () => undefined;
  tellEnds(pgPool, (jobs) => {
    for (let job = 0; job < jobs; job += 1) onEnded();
  });
  const utils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();
  return {
    name,
    settle: database.settle,
    clear: () => database.query('truncate graphile_worker._private_jobs, graphile_worker._private_job_queues'),
    scheduleOne: (queueName) => utils.addJob('noop', {}, queueName === null ? {} : { queueName }),
    scheduleMany: (queues) =>
      utils.addJobs(
        queues.map((queueName) => ({ identifier: 'noop', payload: {}, ...(queueName === null ? {} : { queueName }) })),
      ),
    async drain(count, withinMs) {
      const doneTimes: number[] = [];
      const over = Promise.withResolvers<undefined>();
      const timer = setTimeout(over.resolve, withinMs, undefined);
      onEnded = () => {
        if (doneTimes.push(performance.now()) === count) over.resolve(undefined);
      };
      const preset = { worker: { concurrentJobs, ...(hasLocalQueue ? batching : {}) } };
      const runner = await run({
        pgPool,
        logger,
        taskList: { noop: async () => undefined },
        preset,
        noHandleSignals: true,
      });
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

interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** Tells of each statement that has deleted jobs how many they were. */
function tellEnds(pool: pg.Pool, onDeleted: (jobs: number) => void): void {
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: readonly unknown[]) => unknown;
    const told = (...args: readonly unknown[]): unknown => {
      const asked = query(...args);
      const { text = '', values = [] } = (typeof args[0] === 'object' ? args[0] : {}) as Partial<Statement>;
      if (/delete from \S+_private_jobs/.test(text))
        void Promise.resolve(asked).then(
          () => onDeleted([values[0]].flat().length),
          () => undefined,
        );
      return asked;
    };
    Object.assign(client, { query: told });
  });
}
