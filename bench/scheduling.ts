import { type CloudCode, openCloudCode } from './engine/cloudcode.ts';
import type { Contender } from './engine/contender.ts';
import { startServer } from './engine/server.ts';
import { type BenchOptions, type Figure, sized } from './measurement.ts';
import { openPeers } from './peers/open-peers.ts';
import { compareRates, figureOf, takeTurns } from './rounds.ts';

const callers = 16;

/** How many jobs a second can be scheduled: one call after the other, by 16 callers at once, and 1,000 in a call. */
export async function measureScheduling(options: BenchOptions): Promise<readonly Figure[]> {
  const rounds = sized(options, { quick: 1, short: 3, full: 7 });
  const share = sized(options, { quick: 0.05, short: 1, full: 2 });
  await using server = await startServer();
  await using open = new AsyncDisposableStack();
  const ours = open.use(await openCloudCode({ database: await server.createDatabase('ours') }));
  const contenders = [ours, ...(await openPeers(server)).map((each) => open.use(each))];
  const goals = { graphile_worker: 1, pg_boss: 1 };
  const figures: Figure[] = [];
  for (const way of schedulingWays) {
    const measure = (contender: Contender) => async () => {
      await contender.clear();
      await way.schedule(contender, Math.ceil((way.count * share) / 10)); // warm
      return way.schedule(contender, Math.ceil(way.count * share));
    };
    // With the local queue it schedules as without.
    const those = contenders.filter(({ name }) => name !== 'graphile_local_queue');
    figures.push(
      ...compareRates(
        way.name,
        await takeTurns(rounds, Object.fromEntries(those.map((each) => [each.name, measure(each)]))),
        goals,
      ),
    );
  }
  return [...figures, await measureFromOutside(ours, Math.ceil(1000 * share), rounds)];
}

export interface SchedulingWay {
  readonly name: string;
  readonly count: number;
  /** Schedules so many jobs. @returns how many a second */
  readonly schedule: (contender: Contender, count: number) => Promise<number>;
}

export const schedulingWays: readonly SchedulingWay[] = [
  { name: 'one_by_one', count: 1000, schedule: (contender, count) => callBy(1, count, () => contender.scheduleOne()) },
  {
    name: 'by_16_callers',
    count: 4000,
    schedule: (contender, count) => callBy(callers, count, () => contender.scheduleOne()),
  },
  {
    name: 'by_1000',
    count: 10_000,
    schedule: async (contender, count) => {
      const calls = Math.max(1, Math.round(count / 1000));
      return 1000 * (await callBy(1, calls, () => contender.scheduleMany(Array.from({ length: 1000 }, () => null))));
    },
  },
];

async function measureFromOutside(ours: CloudCode, count: number, rounds: number): Promise<Figure> {
  const results = await takeTurns(rounds, { cloudcode: () => callBy(1, count, () => ours.scheduleFromOutside()) });
  return figureOf('one_by_one_from_outside', results.get('cloudcode') ?? [], '/s');
}

/** @returns calls a second */
async function callBy(lanes: number, count: number, call: () => Promise<unknown>): Promise<number> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await call();
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: lanes }, lane));
  return (count * 1000) / (performance.now() - began);
}
