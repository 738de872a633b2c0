import { openCloudCode } from './engine/cloudcode.ts';
import { type Contender, scheduleAll } from './engine/contender.ts';
import { startServer } from './engine/server.ts';
import { type BenchOptions, type Figure, sized } from './measurement.ts';
import { openPeers } from './peers/open-peers.ts';
import { compareRates, takeTurns } from './rounds.ts';
import { steadyRate } from './statistics.ts';

const patienceMs = 10_000;

/**
 * The engine alone: jobs that wait are claimed and ended, and nothing is executed. `drain` is the rate of that; `life` counts their scheduling by 1,000 as well.
 */
export async function measureDrain(options: BenchOptions): Promise<readonly Figure[]> {
  const count = sized(options, { quick: 500, short: 10_000, full: 10_000 });
  const rounds = sized(options, { quick: 1, short: 3, full: 7 });
  await using server = await startServer();
  await using open = new AsyncDisposableStack();
  const contenders = [await openCloudCode({ database: await server.createDatabase('ours') }), ...(await openPeers(server))].map((each) => open.use(each));
  for (const contender of contenders) await measureLife(contender, Math.min(count, 1000)); // the first use of everything
  const scheduling = new Map<string, number[]>();
  const drains = await takeTurns(rounds, Object.fromEntries(contenders.map((contender) => [contender.name, async () => {
    const { perSecond, scheduledPerSecond } = await measureLife(contender, count);
    scheduling.set(contender.name, [...(scheduling.get(contender.name) ?? []), scheduledPerSecond]);
    return perSecond;
  }])));
  const lives = new Map([...drains].map(([name, rates]) => [name, rates.map((rate, round) => 1 / (1 / rate + 1 / (scheduling.get(name)?.[round] ?? Number.NaN)))]));
  const goals = { graphile_local_queue: 1, pg_boss: 2 };
  return [...compareRates('drain', drains, goals), ...compareRates('life', lives, goals)];
}

async function measureLife(contender: Contender, count: number): Promise<{ readonly perSecond: number; readonly scheduledPerSecond: number }> {
  await contender.clear();
  const began = performance.now();
  await scheduleAll(contender, Array.from({ length: count }, () => null));
  const scheduledPerSecond = (count * 1000) / (performance.now() - began);
  return { perSecond: await measureDrainRate(contender, count), scheduledPerSecond };
}

/** Jobs a second while the contender does `count` that wait, or what it can of them in ten seconds. */
export async function measureDrainRate(contender: Contender, count: number): Promise<number> {
  await contender.settle();
  const doneTimes = await contender.drain(count, patienceMs);
  if (doneTimes.length === 0) throw new Error(`${contender.name} did nothing.`);
  return steadyRate(doneTimes);
}
