import { openCloudCode } from './engine/cloudcode.ts';
import { type Contender, scheduleAll } from './engine/contender.ts';
import { type Server, startServer } from './engine/server.ts';
import { type BenchOptions, type Figure, sized } from './measurement.ts';
import { openPeers } from './peers/open-peers.ts';
import { compareRates, figureOf, takeTurns } from './rounds.ts';
import { steadyRate } from './statistics.ts';

const patienceMs = 10_000;

/**
 * The engine alone: jobs that wait are claimed and ended, and nothing is executed. `drain` is the rate of that; `life` counts their scheduling by 1,000 as well, and `cpu`
 * is what doing 1,000 takes of all processors together.
 */
export async function measureDrain(options: BenchOptions): Promise<readonly Figure[]> {
  const count = sized(options, { quick: 500, short: 10_000, full: 10_000 });
  const rounds = sized(options, { quick: 1, short: 5, full: 7 });
  await using server = await startServer();
  await using open = new AsyncDisposableStack();
  const contenders = [
    await openCloudCode({ database: await server.createDatabase('ours') }),
    ...(await openPeers(server)),
  ].map((each) => open.use(each));
  const lives = new Map<string, Life[]>(contenders.map(({ name }) => [name, []]));
  for (const contender of contenders) await measureLife(contender, Math.min(count, 1000), server); // the first use of everything
  const drains = await takeTurns(
    rounds,
    Object.fromEntries(
      contenders.map((contender) => [
        contender.name,
        async () => {
          const life = await measureLife(contender, count, server);
          lives.get(contender.name)?.push(life);
          return life.drainedPerSecond;
        },
      ]),
    ),
  );
  const wholeLives = new Map(
    [...lives].map(([name, each]) => [
      name,
      each.map(({ drainedPerSecond, scheduledPerSecond }) => 1 / (1 / drainedPerSecond + 1 / scheduledPerSecond)),
    ]),
  );
  const costs = [...lives].map(([name, each]) =>
    figureOf(
      `cpu_of_1000_${name}`,
      each.map(({ cpuMsOf1000 }) => cpuMsOf1000),
      'ms',
    ),
  );
  const goals = {
    drain: { graphile_local_queue: 1.1, pg_boss: 1.4, bullmq_fsync_always: 2 },
    life: { graphile_local_queue: 1, pg_boss: 1.2, bullmq_fsync_always: 1.5 },
  };
  return [...compareRates('drain', drains, goals.drain), ...compareRates('life', wholeLives, goals.life), ...costs];
}

interface Life {
  readonly scheduledPerSecond: number;
  readonly drainedPerSecond: number;
  /** Of this process and the server, for doing 1,000 that wait. */
  readonly cpuMsOf1000: number;
}

async function measureLife(contender: Contender, count: number, server: Server): Promise<Life> {
  await contender.clear();
  const began = performance.now();
  await scheduleAll(
    contender,
    Array.from({ length: count }, () => null),
  );
  const scheduledPerSecond = (count * 1000) / (performance.now() - began);
  await contender.settle();
  const cpuBefore = server.cpuMs();
  const doneTimes = await drain(contender, count);
  return {
    scheduledPerSecond,
    drainedPerSecond: steadyRate(doneTimes),
    cpuMsOf1000: ((server.cpuMs() - cpuBefore) * 1000) / doneTimes.length,
  };
}

/** Jobs a second while the contender does `count` that wait, or what it can of them in ten seconds. */
export async function measureDrainRate(contender: Contender, count: number): Promise<number> {
  await contender.settle();
  return steadyRate(await drain(contender, count));
}

async function drain(contender: Contender, count: number): Promise<readonly number[]> {
  const doneTimes = await contender.drain(count, patienceMs);
  if (doneTimes.length === 0) throw new Error(`${contender.name} did nothing.`);
  return doneTimes;
}
