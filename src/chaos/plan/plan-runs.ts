import { type Random, seededRandom } from './random.ts';

/** What the campaign schedules: the options of `scheduleRun`. */
export interface PlannedRun {
  readonly task: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly queue?: string;
  readonly after?: number;
  readonly key?: string;
}

export interface RunPlan {
  readonly queues: readonly string[];
  /** In the order in which they are scheduled, each with the number of runs that come of it: itself, and those it schedules. */
  readonly runs: readonly { readonly run: PlannedRun; readonly count: number }[];
}

interface RunPlanOptions {
  readonly seed: number;
  readonly runs: number;
  readonly queues: number;
  readonly leaseMs: number;
}

/** The runs of a campaign: at least `runs`, with those that they schedule themselves. The same options give the same plan. */
export function planRuns(options: RunPlanOptions): RunPlan {
  const random = seededRandom(options.seed ^ 0x52_55_4e);
  const queues = Array.from({ length: options.queues }, (_, index) => `queue ${index + 1}`);
  const runs: { run: PlannedRun; count: number }[] = [];
  for (let count = 0; count < options.runs;) {
    const next = planOne(random, { queues, leaseMs: options.leaseMs, number: runs.length });
    runs.push(next);
    count += next.count;
  }
  return { queues, runs };
}

interface Given {
  readonly leaseMs: number;
  readonly queues: readonly string[];
  readonly number: number;
}

function planOne(random: Random, given: Given): { run: PlannedRun; count: number } {
  const place = placeOf(random, given);
  const draw = random.next();
  if (draw < 0.05) {
    const links = random.between(1, 4);
    const parameters = { ...work(random, given), ...beforeScheduling(random, given), links };
    return { run: { ...place, task: 'chain', parameters }, count: links + 1 };
  }
  if (draw < 0.09) {
    const children = Array.from({ length: random.between(2, 8) }, (_, index) => ({
      ...placeOf(random, given),
      key: `${given.number}-${index}`,
      parameters: work(random, given),
    }));
    return { run: { ...place, task: 'fan_out', parameters: { children } }, count: children.length + 1 };
  }
  return { run: { ...place, task: 'step', parameters: work(random, given) }, count: 1 };
}

/** In which queue, if any, and when. */
function placeOf(random: Random, { queues }: Given): { readonly queue?: string; readonly after?: number } {
  const queue = queues.length > 0 && random.chance(0.8) ? { queue: random.pick(queues) } : {};
  return random.chance(0.1) ? { ...queue, after: random.between(1, 4000) } : queue;
}

/** What a step does: mostly nothing that takes long, or two processors would have to be busy for an hour. */
function work(random: Random, given: Given): Readonly<Record<string, unknown>> {
  return {
    ...time(random, given),
    ...(random.chance(0.4) ? { writes: true } : {}),
    ...(random.chance(0.25) ? { logs: random.between(1, 20) } : {}),
    ...(random.chance(0.04) ? { throws: true } : {}),
    // Nearly as long as a process that has answered may.
    ...(random.chance(0.05) ? { lingersMs: 1_800 } : {}),
  };
}

/** A chain waits for a part of the lease before it schedules: some of those whose runner is frozen meanwhile ask for that before the guard ends them, and the runner hears it when it goes on and they are superseded. */
function beforeScheduling(random: Random, { leaseMs }: Given): { readonly sleepMs: number; readonly busyMs: 0 } {
  return { sleepMs: Math.round((random.between(20, 60) / 100) * leaseMs), busyMs: 0 };
}

/** Some take longer than a lease: they are at work still when another runner takes over from a frozen one. */
function time(random: Random, { leaseMs }: Given): Readonly<Record<string, number>> {
  const draw = random.next();
  const ofLease = (min: number, max: number): number =>
    Math.round((random.between(min * 100, max * 100) / 100) * leaseMs);
  if (draw < 0.5) return {};
  if (draw < 0.72) return { sleepMs: random.between(50, 400) };
  if (draw < 0.82) return { sleepMs: random.between(400, 1500) };
  if (draw < 0.9) return { sleepMs: ofLease(1, 3) };
  if (draw < 0.98) return { busyMs: random.between(20, 150) };
  return { busyMs: random.chance(0.5) ? ofLease(1, 2.5) : random.between(500, 1500) };
}
