import { type BenchOptions, type Figure, sized } from './measurement.ts';
import { percentile, randomArrivals } from './statistics.ts';
import { listRuns, scheduleMany, startSystem, whenAllDone } from './system.ts';

const probe = `export async function run(): Promise<number> {
  return performance.timeOrigin + performance.now();
}
`;
/** From the first schedule to the first due time. */
const leadMs = 2000;

/** From a run's due time to `run` entered, by the clock of this machine: runs scheduled beforehand, about three a second, at random. */
export async function measureLateness(options: BenchOptions): Promise<readonly Figure[]> {
  const count = sized(options, { quick: 6, short: 60, full: 200 });
  await using system = await startSystem({ probe }, { concurrency: options.parallelism });
  await scheduleMany(system, [{ task: 'probe' }]);
  await whenAllDone(system, 'probe', 30_000);
  const first = Date.now() + leadMs;
  const times = randomArrivals(count, 3).map((afterMs) => new Date(first + afterMs).toISOString());
  await scheduleMany(
    system,
    times.map((at) => ({ task: 'probe', at })),
  );
  await whenAllDone(system, 'probe', leadMs + count * 1000 + 30_000);
  const runs = await listRuns(system, 'task=probe&state=succeeded', count);
  const late = runs.map(({ result, dueAt }) => Number(result) - Date.parse(dueAt));
  if (Math.min(...late) < 0) throw new Error(`A run was entered ${-Math.min(...late)} ms before its time.`);
  return [
    { name: 'late_p50', value: percentile(late, 0.5), unit: 'ms' },
    { name: 'late_p99', value: percentile(late, 0.99), unit: 'ms', goal: { atMost: 20 } },
    { name: 'late_max', value: percentile(late, 1), unit: 'ms' },
  ];
}
