import { setTimeout as sleep } from 'node:timers/promises';
import { runBareProcesses } from './bare-processes.ts';
import type { BenchOptions, Figure } from './measurement.ts';
import { median, percentile, steadyRate } from './statistics.ts';
import { listRuns, scheduleMany, startSystem, whenAllDone } from './system.ts';
import type { System } from './system.ts';

const noop = 'export async function run(): Promise<void> {}\n';

/**
 * Runs of a task that does nothing, each in a fresh process, against the bare rate at which this machine starts and ends `node -e 0`.
 * The two take turns (A B A B …), so that whatever else the machine does falls on both; each round gives one ratio.
 */
export async function measureThroughput({ quick, parallelism }: BenchOptions): Promise<readonly Figure[]> {
  const rounds = quick ? 2 : 7;
  const count = quick ? 40 : 300;
  await using system = await startSystem({ noop }, parallelism);
  await measureRuns(system, 10); // the first use of everything
  await runBareProcesses(10, parallelism);
  const results: { readonly runs: number; readonly bare: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const runs = await measureRuns(system, count);
    await sleep(1000); // the pool fills up again
    const bare = steadyRate(await runBareProcesses(count, parallelism));
    results.push({ runs, bare });
  }
  const ratios = results.map(({ runs, bare }) => runs / bare);
  return [
    { name: 'runs_per_second', value: median(results.map(({ runs }) => runs)), unit: '/s' },
    { name: 'bare_processes_per_second', value: median(results.map(({ bare }) => bare)), unit: '/s' },
    { name: 'ratio', value: median(ratios), unit: '', goal: { atLeast: 0.9 } },
    { name: 'ratio_lowest_round', value: percentile(ratios, 0), unit: '' },
    { name: 'ratio_highest_round', value: percentile(ratios, 1), unit: '' },
  ];
}

/** Schedules the runs for one moment in the near future, so that scheduling them is over before the first one starts. */
async function measureRuns(system: System, count: number): Promise<number> {
  const at = new Date(Date.now() + 1000 + count * 5).toISOString();
  await scheduleMany(system, Array.from({ length: count }, () => ({ task: 'noop', at })));
  if (Date.now() > Date.parse(at)) throw new Error(`Scheduling ${count} runs took so long that the first ones came due meanwhile.`);
  await sleep(Date.parse(at) - Date.now());
  await whenAllDone(system, 'noop', 5000 + count * 500);
  const runs = await listRuns(system, 'task=noop', count);
  const notDone = runs.find(({ state, attempts }) => state !== 'succeeded' || attempts.length !== 1);
  if (notDone !== undefined) throw new Error(`Run ${notDone.id} is ${notDone.state} after ${notDone.attempts.length} attempts.`);
  return steadyRate(runs.map(({ finishedAt }) => Date.parse(finishedAt ?? '')));
}
