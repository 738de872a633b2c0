import { type CloudCode, openCloudCode } from './engine/cloudcode.ts';
import { scheduleAll } from './engine/contender.ts';
import { fillStore } from './engine/fill.ts';
import { type Server, startServer } from './engine/server.ts';
import { measureDrainRate } from './drain.ts';
import { type BenchOptions, type Figure, sized } from './measurement.ts';
import { measureQueueRate } from './queues.ts';
import { figureOf, ratiosOf, takeTurns } from './rounds.ts';
import { schedulingWays } from './scheduling.ts';

interface Work {
  readonly name: string;
  /** @returns how many a second */
  readonly measure: (ours: CloudCode) => Promise<number>;
}

/**
 * The engine alone on a store where 1,000,000 runs wait, half of them in 100,000 queues, and 1,000,000 finished ones are kept, against the same on an empty store: how many times the time it takes.
 * The runs that are measured are due before those that wait.
 */
export async function measureBacklog(options: BenchOptions): Promise<readonly Figure[]> {
  const size = sized(options, { quick: 10_000, short: 1_000_000, full: 1_000_000 });
  const count = sized(options, { quick: 200, short: 10_000, full: 10_000 });
  const rounds = sized(options, { quick: 1, short: 3, full: 5 });
  await using server = await startServer();
  await using open = new AsyncDisposableStack();
  const empty = open.use(await openFolderStore(server, 0));
  const large = open.use(await openFolderStore(server, size));
  const figures: Figure[] = [];
  for (const { name, measure } of worksOf(count)) {
    await measure(empty);
    await measure(large);
    const results = await takeTurns(rounds, { empty: () => measure(empty), large: () => measure(large) });
    const [inEmpty, inLarge] = [results.get('empty') ?? [], results.get('large') ?? []];
    figures.push(
      figureOf(`${name}_empty`, inEmpty, '/s'),
      figureOf(`${name}_large`, inLarge, '/s'),
      figureOf(`${name}_times_the_time`, ratiosOf(inEmpty, inLarge), '', { atMost: 1.2 }),
    );
  }
  return figures;
}

async function openFolderStore(server: Server, size: number): Promise<CloudCode> {
  const database = await server.createDatabase(size === 0 ? 'small' : 'large');
  const ours = await openCloudCode({ database, first: true, keep: size > 0 });
  if (size > 0) await fillStore(database, { waiting: size, queues: size / 10, finished: size });
  return ours;
}

function worksOf(count: number): readonly Work[] {
  return [
    {
      name: 'drain',
      async measure(ours) {
        await ours.clear();
        await scheduleAll(
          ours,
          Array.from({ length: count }, () => null),
        );
        return measureDrainRate(ours, count);
      },
    },
    ...schedulingWays.map(({ name, schedule, count: many }) => ({
      name,
      async measure(ours: CloudCode) {
        await ours.clear();
        const scheduled = Math.min(many, count);
        const rate = await schedule(ours, scheduled);
        await ours.drain(scheduled, Infinity); // what was added is not left to the next
        return rate;
      },
    })),
    { name: 'over_1000_queues', measure: (ours) => measureQueueRate(ours, { count, queues: Math.ceil(count / 10) }) },
    { name: 'over_10000_queues', measure: (ours) => measureQueueRate(ours, { count, queues: count }) },
  ];
}
