import { openCloudCode } from './engine/cloudcode.ts';
import { type Contender, scheduleAll } from './engine/contender.ts';
import { startServer } from './engine/server.ts';
import { measureDrainRate } from './drain.ts';
import { type BenchOptions, type Figure, sized } from './measurement.ts';
import { openQueuePeers } from './peers/open-peers.ts';
import { compareRates, takeTurns } from './rounds.ts';

/** The engine alone, with 10,000 jobs over 1,000 queues (ten in each) and over 10,000 (one in each). */
export async function measureQueues(options: BenchOptions): Promise<readonly Figure[]> {
  const count = sized(options, { quick: 500, short: 10_000, full: 10_000 });
  const rounds = sized(options, { quick: 1, short: 5, full: 7 });
  await using server = await startServer();
  await using open = new AsyncDisposableStack();
  const contenders = [
    await openCloudCode({ database: await server.createDatabase('ours') }),
    ...(await openQueuePeers(server)),
  ].map((each) => open.use(each));
  for (const contender of contenders) await measureQueueRate(contender, { count: Math.min(count, 1000), queues: 100 });
  const figures: Figure[] = [];
  for (const [queues, atLeast] of [
    [count / 10, 1],
    [count, 2],
  ] as const) {
    const goals = { graphile_local_queue: atLeast, pg_boss_key_strict_fifo: atLeast };
    const results = await takeTurns(
      rounds,
      Object.fromEntries(contenders.map((each) => [each.name, () => measureQueueRate(each, { count, queues })])),
    );
    figures.push(...compareRates(`over_${queues}_queues`, results, goals));
  }
  return figures;
}

/** Jobs a second. They are scheduled a round over all queues at a time, so that each queue's are spread over the whole. */
export async function measureQueueRate(
  contender: Contender,
  { count, queues }: { readonly count: number; readonly queues: number },
): Promise<number> {
  await contender.clear();
  await scheduleAll(
    contender,
    Array.from({ length: count }, (_, place) => `queue ${place % queues}`),
  );
  return measureDrainRate(contender, count);
}
