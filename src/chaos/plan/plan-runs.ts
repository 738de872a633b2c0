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

/** The runs of a campaign: at least `runs`, with those that they schedule themselves. The same options give the same plan. */
export function planRuns(options: { readonly seed: number; readonly runs: number; readonly queues: number }): RunPlan {
  const random = seededRandom(options.seed ^ 0x52_55_4e);
  const queues = Array.from({ length: options.queues }, (_, index) => `queue ${index + 1}`);
  const runs: { run: PlannedRun; count: number }[] = [];
  for (let count = 0; count < options.runs; ) {
    const next = planOne(random, { queues, number: runs.length });
    runs.push(next);
    count += next.count;
  }
  return { queues, runs };
}

interface Given {
  readonly queues: readonly string[];
  readonly number: number;
}

function planOne(random: Random, given: Given): { run: PlannedRun; count: number } {
  const place = placeOf(random, given);
  const draw = random.next();
  if (draw < 0.05) {
    const links = random.between(1, 4);
    return { run: { ...place, task: 'chain', parameters: { links, ...work(random) } }, count: links + 1 };
  }
  if (draw < 0.09) {
    const children = Array.from({ length: random.between(2, 8) }, (_, index) => ({ ...placeOf(random, given), key: `${given.number}-${index}`, parameters: work(random) }));
    return { run: { ...place, task: 'fan_out', parameters: { children } }, count: children.length + 1 };
  }
  return { run: { ...place, task: 'step', parameters: work(random) }, count: 1 };
}

/** In which queue, if any, and when. */
function placeOf(random: Random, { queues }: Given): { readonly queue?: string; readonly after?: number } {
  const queue = queues.length > 0 && random.chance(0.8) ? { queue: random.pick(queues) } : {};
  return random.chance(0.1) ? { ...queue, after: random.between(1, 4000) } : queue;
}

/** What a step does: mostly nothing that takes long, or two processors would have to be busy for an hour. */
function work(random: Random): Readonly<Record<string, unknown>> {
  const draw = random.next();
  const time = draw < 0.6 ? {} : draw < 0.82 ? { sleepMs: random.between(50, 400) } : draw < 0.88 ? { sleepMs: random.between(400, 1500) } : draw < 0.98 ? { busyMs: random.between(20, 150) } : { busyMs: random.between(500, 1500) };
  return { ...time, ...(random.chance(0.3) ? { writes: true } : {}), ...(random.chance(0.15) ? { logs: random.between(1, 20) } : {}), ...(random.chance(0.04) ? { throws: true } : {}) };
}
