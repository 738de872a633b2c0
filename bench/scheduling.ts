import { type CloudCode, openCloudCode } from './engine/cloudcode.ts';
import type { Contender } from './engine/contender.ts';
import { startServer } from './engine/server.ts';
import { type BenchOptions, type Figure, sized } from './measurement.ts';
import { openPeers, openQueuePeers } from './peers/open-peers.ts';
import { compareRates, figureOf, takeTurns } from './rounds.ts';

const callers = 16;

/** How many jobs a second can be scheduled: one call after the other, by 16 callers at once, and 1,000 in a call. */
export async function measureScheduling(options: BenchOptions): Promise<readonly Figure[]> {
  const rounds = sized(options, { quick: 1, short: 5, full: 7 });
  const share = sized(options, { quick: 0.05, short: 1, full: 2 });
  await using server = await startServer();
  await using open = new AsyncDisposableStack();
  const ours = open.use(await openCloudCode({ database: await server.createDatabase('ours') }));
  const contenders = [ours, ...(await openPeers(server)).map((each) => open.use(each))];
  const goals = { graphile_worker: 1, pg_boss: 1 };
  const queueContenders = [ours, ...(await openQueuePeers(server)).map((each) => open.use(each))];
  const queueGoals = { graphile_worker: 1, pg_boss_key_strict_fifo: 1 };
  const figures: Figure[] = [];
  for (const { way, queues } of schedulingWays.flatMap((each) => [0, 100].map((queues) => ({ way: each, queues })))) {
    const measure = (contender: Contender) => async () => {
      await contender.clear();
      await way.schedule(contender, Math.ceil((way.count * share) / 10), queues); // warm
      return way.schedule(contender, Math.ceil(way.count * share), queues);
    };
    // With the local queue it schedules as without.
    const those = (queues === 0 ? contenders : queueContenders).filter(({ name }) => name !== 'graphile_local_queue');
    figures.push(
      ...compareRates(
        queues === 0 ? way.name : `${way.name}_in_${queues}_queues`,
        await takeTurns(rounds, Object.fromEntries(those.map((each) => [each.name, measure(each)]))),
        queues === 0 ? goals : queueGoals,
      ),
    );
  }
  return [...figures, await measureFromOutside(ours, Math.ceil(1000 * share), rounds)];
}

export interface SchedulingWay {
  readonly name: string;
  readonly count: number;
  /** Schedules so many jobs, in as many queues in turn; none: in no queue. @returns how many a second */
  readonly schedule: (contender: Contender, count: number, queues?: number) => Promise<number>;
}

export const schedulingWays: readonly SchedulingWay[] = [
  {
    name: 'one_by_one',
    count: 1000,
    schedule: (contender, count, queues = 0) =>
      callBy(1, count, (call) => contender.scheduleOne(queueOf(call, queues))),
  },
  {
    name: 'by_16_callers',
    count: 4000,
    schedule: (contender, count, queues = 0) =>
      callBy(callers, count, (call) => contender.scheduleOne(queueOf(call, queues))),
  },
  {
    name: 'by_1000',
    count: 10_000,
    schedule: async (contender, count, queues = 0) => {
      const calls = Math.max(1, Math.round(count / 1000));
      const many = Array.from({ length: 1000 }, (_, place) => queueOf(place, queues));
      return 1000 * (await callBy(1, calls, () => contender.scheduleMany(many)));
    },
  },
];

function queueOf(place: number, queues: number): string | null {
  return queues === 0 ? null : `queue ${place % queues}`;
}

async function measureFromOutside(ours: CloudCode, count: number, rounds: number): Promise<Figure> {
  const results = await takeTurns(rounds, { cloudcode: () => callBy(1, count, () => ours.scheduleFromOutside()) });
  return figureOf('one_by_one_from_outside', results.get('cloudcode') ?? [], '/s');
}

/** @returns calls a second */
async function callBy(lanes: number, count: number, call: (place: number) => Promise<unknown>): Promise<number> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await call(left);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: lanes }, lane));
  return (count * 1000) / (performance.now() - began);
}
