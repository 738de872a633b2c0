import { setTimeout as sleep } from 'node:timers/promises';
import { runBareProcesses } from './bare-processes.ts';
import { type BenchOptions, type Figure, sized } from './measurement.ts';
import { runForked } from './peers/fork-per-run.ts';
import { compareRates, takeTurns } from './rounds.ts';
import { steadyRate } from './statistics.ts';
import { listRuns, scheduleMany, startSystem, whenAllDone } from './system.ts';
import type { System } from './system.ts';

const noop = 'export async function run(): Promise<void> {}\n';

/**
 * Runs of a task that does nothing, each in a fresh process, against the bare rate at which this machine starts and ends `node -e 0`, and against a plain `fork` for each run.
 */
export async function measureThroughput(options: BenchOptions): Promise<readonly Figure[]> {
  const { parallelism } = options;
  const rounds = sized(options, { quick: 1, short: 3, full: 7 });
  const count = sized(options, { quick: 30, short: 200, full: 300 });
  await using system = await startSystem({ noop }, { concurrency: parallelism });
  await measureRuns(system, 10); // the first use of everything
  await runBareProcesses(10, parallelism);
  await runForked(10, parallelism);
  const results = await takeTurns(rounds, {
    cloudcode: async () => {
      const rate = await measureRuns(system, count);
      await sleep(1000); // the pool fills up again
      return rate;
    },
    bare_node: async () => steadyRate(await runBareProcesses(count, parallelism)),
    fork: async () => steadyRate(await runForked(count, parallelism)),
  });
  return compareRates('fresh_process', results, { bare_node: 0.9 });
}

/** Schedules the runs for one moment in the near future, so that scheduling them is over before the first one starts; on a busy machine that takes more than one try. */
async function measureRuns(system: System, count: number): Promise<number> {
  for (let leadMs = 1000 + count * 5; leadMs < 120_000; leadMs *= 2) {
    const at = new Date(Date.now() + leadMs).toISOString();
    await scheduleMany(
      system,
      Array.from({ length: count }, () => ({ task: 'noop', at })),
    );
    const inTime = Date.now() < Date.parse(at);
    if (inTime) await sleep(Date.parse(at) - Date.now());
    await whenAllDone(system, 'noop', 5000 + count * 500);
    if (inTime) return readRate(system, count);
  }
  throw new Error(`Scheduling ${count} runs takes more than a minute.`);
}

async function readRate(system: System, count: number): Promise<number> {
  const runs = await listRuns(system, 'task=noop', count);
  const notDone = runs.find(({ state, attempts }) => state !== 'succeeded' || attempts.length !== 1);
  if (notDone !== undefined)
    throw new Error(`Run ${notDone.id} is ${notDone.state} after ${notDone.attempts.length} attempts.`);
  return steadyRate(runs.map(({ finishedAt }) => Date.parse(finishedAt ?? '')));
}
