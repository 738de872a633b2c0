import type { Run } from '../src/engine/core/run.ts';
import { type BenchOptions, type Figure, sized } from './measurement.ts';
import { type Probe, openSandboxedProbes } from './peers/bullmq-sandboxed.ts';
import { peersAreInstalled } from './peers/import-peer.ts';
import { hasRedis } from './peers/redis-server.ts';
import { figureOf, ratiosOf } from './rounds.ts';
import { median, percentile, randomArrivals } from './statistics.ts';
import { listRuns, startSystem, type System, whenAllDone } from './system.ts';

/** Both tasks read the same clock of the same machine, with fractions of a millisecond; not by `performance`, which a fresh process first has to load, for a millisecond. */
const tasks = {
  probe: `
export async function run(): Promise<number> {
  return Number(process.hrtime.bigint()) / 1e6;
}
`,
  caller: `
export const config = { timeoutMs: 600_000, maxAttempts: 1 };

/** Schedules a probe at each of the given times (ms from now). */
export async function run({ times }: { times: number[] }): Promise<{ id: string; calledAt: number; resolvedAt: number }[]> {
  const start = performance.now();
  const probes = times.map(async (time) => {
    await new Promise((resolve) => setTimeout(resolve, start + time - performance.now()));
    const calledAt = Number(process.hrtime.bigint()) / 1e6;
    const { id } = await CloudCode.scheduleTask({ task: 'probe' });
    return { id, calledAt, resolvedAt: Number(process.hrtime.bigint()) / 1e6 };
  });
  return Promise.all(probes);
}
`,
};

const loads: readonly { readonly name: string; readonly times: (seconds: number) => readonly number[] }[] = [
  { name: 'idle', times: (seconds) => evenly(seconds * 2.5, 400) },
  { name: 'even_10_per_second', times: (seconds) => evenly(seconds * 10, 100) },
  { name: 'random_10_per_second', times: (seconds) => randomArrivals(seconds * 10, 10) },
  { name: 'random_30_per_second', times: (seconds) => randomArrivals(seconds * 30, 30) },
  { name: 'even_50_per_second', times: (seconds) => evenly(seconds * 50, 20) },
];

type Measure = (times: readonly number[]) => Promise<readonly Probe[]>;

/**
 * From `scheduleTask` in a task to `run` entered in another, fresh process; and from `add` to the processor entered in BullMQ's sandbox, whose processes are used again and again.
 * On an idle system (one every 400 ms), at 10 and 50 a second evenly spaced, and at 10 and 30 a second at random, where some come close together. Counted from the call; `after_resolved` is from the
 * moment at which the caller knew that the run is durable, and would be negative where the run began before.
 */
export async function measureLatency(options: BenchOptions): Promise<readonly Figure[]> {
  const rounds = sized(options, { quick: 1, short: 3, full: 5 });
  const seconds = sized(options, { quick: 1, short: 5, full: 10 });
  await using open = new AsyncDisposableStack();
  // The caller itself takes one place.
  const system = open.use(await startSystem(tasks, { concurrency: options.parallelism + 1 }));
  const ours: Measure = (times) => measureProbes(system, times);
  const peer = peersAreInstalled() && hasRedis() ? open.use(await openSandboxedProbes(options.parallelism)) : null;
  for (const measure of [ours, peer?.measure]) await measure?.(evenly(10, 100));
  const figures: Figure[] = [];
  for (const { name, times } of loads)
    figures.push(
      ...(await measureLoad(name, { ours, theirs: peer?.measure ?? null }, { rounds, times: times(seconds) })),
    );
  return figures;
}

async function measureLoad(
  name: string,
  { ours, theirs }: { readonly ours: Measure; readonly theirs: Measure | null },
  { rounds, times }: { readonly rounds: number; readonly times: readonly number[] },
): Promise<readonly Figure[]> {
  const here: (readonly Probe[])[] = [];
  const there: (readonly Probe[])[] = [];
  for (let round = 0; round < rounds; round += 1) {
    here.push(await ours(times));
    if (theirs !== null) there.push(await theirs(times));
  }
  const latencies = here.flat().map(fromCalled);
  const figures: Figure[] = [
    figureOf(`${name}_p50`, here.map(medianOf), 'ms'),
    { name: `${name}_p99`, value: percentile(latencies, 0.99), unit: 'ms', goal: { atMost: 25 } },
    { name: `${name}_max`, value: percentile(latencies, 1), unit: 'ms' },
    {
      name: `${name}_p50_after_resolved`,
      value: median(here.flat().map(({ enteredAt, resolvedAt }) => enteredAt - resolvedAt)),
      unit: 'ms',
      goal: { atMost: 5 },
    },
  ];
  if (theirs === null) return figures;
  return [
    ...figures,
    figureOf(`${name}_p50_bullmq_sandboxed`, there.map(medianOf), 'ms'),
    { name: `${name}_p99_bullmq_sandboxed`, value: percentile(there.flat().map(fromCalled), 0.99), unit: 'ms' },
    figureOf(`${name}_p50_ratio_to_bullmq_sandboxed`, ratiosOf(here.map(medianOf), there.map(medianOf)), '', {
      atMost: 1,
    }),
  ];
}

function evenly(count: number, gapMs: number): readonly number[] {
  return Array.from({ length: Math.ceil(count) }, (_, position) => position * gapMs);
}

function fromCalled({ calledAt, enteredAt }: Probe): number {
  return enteredAt - calledAt;
}

function medianOf(probes: readonly Probe[]): number {
  return median(probes.map(fromCalled));
}

async function measureProbes(system: System, times: readonly number[]): Promise<readonly Probe[]> {
  await system.request('POST', '/runs', { task: 'caller', parameters: { times } });
  const timeoutMs = 30_000 + (times.at(-1) ?? 0);
  await whenAllDone(system, 'caller', timeoutMs);
  await whenAllDone(system, 'probe', 30_000);
  const [listed] = await listRuns(system, 'task=caller', 1);
  // A list leaves out what is large.
  const caller = listed === undefined ? undefined : ((await system.request('GET', `/runs/${listed.id}`)) as Run);
  if (caller?.state !== 'succeeded')
    throw new Error(`The caller is ${caller?.state ?? 'missing'}: ${caller?.error?.message ?? ''}`);
  const probes = await listRuns(system, 'task=probe', times.length);
  const enteredAt = new Map(probes.map(({ id, result }) => [id, Number(result)]));
  const scheduled = caller.result as readonly {
    readonly id: string;
    readonly calledAt: number;
    readonly resolvedAt: number;
  }[];
  return scheduled.map(({ id, calledAt, resolvedAt }) => ({
    calledAt,
    resolvedAt,
    enteredAt: enteredAt.get(id) ?? Number.NaN,
  }));
}
