import type { BenchOptions, Figure } from './measurement.ts';
import { percentile, randomArrivals } from './statistics.ts';
import { listRuns, startSystem, whenAllDone } from './system.ts';
import type { System } from './system.ts';

/** Both tasks read the same clock of the same machine, with fractions of a millisecond. */
const tasks = {
  probe: `
export async function run(): Promise<number> {
  return performance.timeOrigin + performance.now();
}
`,
  caller: `
export const config = { timeoutMs: 600_000, maxAttempts: 1 };

/** Schedules a probe at each of the given times (ms from now); returns each one's id and when scheduleTask had resolved. */
export async function run({ times }: { times: number[] }): Promise<{ id: string; resolvedAt: number }[]> {
  const start = performance.now();
  const probes = times.map(async (time) => {
    await new Promise((resolve) => setTimeout(resolve, start + time - performance.now()));
    const { id } = await CloudCode.scheduleTask({ task: 'probe' });
    return { id, resolvedAt: performance.timeOrigin + performance.now() };
  });
  return Promise.all(probes);
}
`,
};

/**
 * From `scheduleTask` resolved, inside a task, to `run` entered in another process: on an idle system (one probe every 400 ms), at
 * 10 arrivals a second evenly spaced, and at 10 a second at random, where some come close together. Negative would mean that
 * the run began before the caller was told.
 */
export async function measureLatency({ quick, parallelism }: BenchOptions): Promise<readonly Figure[]> {
  const seconds = quick ? 2 : 40;
  // The caller itself takes one place.
  await using system = await startSystem(tasks, parallelism + 1);
  await measureProbes(system, evenly(5, 100));
  return [
    ...figures('idle', await measureProbes(system, evenly(seconds * 2.5, 400))),
    ...figures('even_10_per_second', await measureProbes(system, evenly(seconds * 10, 100))),
    ...figures('random_10_per_second', await measureProbes(system, randomArrivals(seconds * 10, 10))),
  ];
}

function evenly(count: number, gapMs: number): readonly number[] {
  return Array.from({ length: count }, (_, position) => position * gapMs);
}

function figures(name: string, latencies: readonly number[]): readonly Figure[] {
  return [
    { name: `${name}_p50`, value: percentile(latencies, 0.5), unit: 'ms', goal: { atMost: 5 } },
    { name: `${name}_p99`, value: percentile(latencies, 0.99), unit: 'ms', goal: { atMost: 25 } },
    { name: `${name}_max`, value: percentile(latencies, 1), unit: 'ms' },
  ];
}

async function measureProbes(system: System, times: readonly number[]): Promise<readonly number[]> {
  await system.request('POST', '/runs', { task: 'caller', parameters: { times } });
  const timeoutMs = 30_000 + (times.at(-1) ?? 0);
  await whenAllDone(system, 'caller', timeoutMs);
  await whenAllDone(system, 'probe', 30_000);
  const [caller] = await listRuns(system, 'task=caller', 1);
  if (caller?.state !== 'succeeded') throw new Error(`The caller is ${caller?.state ?? 'missing'}: ${caller?.error?.message ?? ''}`);
  const probes = await listRuns(system, 'task=probe', times.length);
  const enteredAt = new Map(probes.map(({ id, result }) => [id, Number(result)]));
  const resolved = caller.result as readonly { readonly id: string; readonly resolvedAt: number }[];
  return resolved.map(({ id, resolvedAt }) => (enteredAt.get(id) ?? Number.NaN) - resolvedAt);
}
