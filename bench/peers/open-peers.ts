import type { Contender } from '../engine/contender.ts';
import type { Server } from '../engine/server.ts';
import { openBullMq } from './bullmq.ts';
import { openGraphileWorker } from './graphile-worker.ts';
import { peersAreInstalled } from './import-peer.ts';
import { openPgBoss } from './pg-boss.ts';
import { hasRedis } from './redis-server.ts';

/** Those who keep jobs without queues, as far as they are installed here. */
export async function openPeers(server: Server): Promise<readonly Contender[]> {
  if (!peersAreInstalled()) return [];
  const graphile = await server.createDatabase('graphile');
  const boss = await server.createDatabase('boss');
  return [
    await openGraphileWorker({ database: graphile, name: 'graphile_worker', hasLocalQueue: false }),
    await openGraphileWorker({ database: graphile, name: 'graphile_local_queue', hasLocalQueue: true }),
    await openPgBoss({ database: boss, name: 'pg_boss', policy: 'standard' }),
    ...(hasRedis() ? [await openBullMq('bullmq', 'everysec'), await openBullMq('bullmq_fsync_always', 'always')] : []),
  ];
}

/** Those who keep named queues whose jobs are done one at a time and in order. */
export async function openQueuePeers(server: Server): Promise<readonly Contender[]> {
  if (!peersAreInstalled()) return [];
  const graphile = await server.createDatabase('graphile_queues');
  return [
    await openGraphileWorker({ database: graphile, name: 'graphile_worker', hasLocalQueue: false }),
    await openGraphileWorker({ database: graphile, name: 'graphile_local_queue', hasLocalQueue: true }),
    await openPgBoss({
      database: await server.createDatabase('boss_queues'),
      name: 'pg_boss_key_strict_fifo',
      policy: 'key_strict_fifo',
    }),
  ];
}
