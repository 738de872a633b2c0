import { globSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type BenchOptions, type Figure, sized } from './measurement.ts';
import { figureOf, ratiosOf, type Rounds, takeTurns } from './rounds.ts';
import { median } from './statistics.ts';
import { listRuns, startSystem, type System, whenAllDone } from './system.ts';

/** A bundle of 11 MB, as large as that of the AWS SDK. Each task has its own, as they differ in their names. */
const typescript = createRequire(import.meta.url).resolve('typescript');
const compiling = `import ts from ${JSON.stringify(typescript)};
export async function run(): Promise<number> {
  ts.transpileModule('export const one: number = 1;', {});
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
`;
const small = `export async function run(): Promise<number> {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
`;

interface Cost {
  /** From the start of the attempt until its end is stored. */
  readonly tookMs: number;
  /** Of the worker until it answers: its own start, the bundle, and what the task does. */
  readonly cpuMs: number;
}

/**
 * A run that loads a dependency of 10 MB and uses a little of it: with compiled code that an earlier run has kept, without any, and beside a task of three lines.
 */
export async function measureBigDependency(options: BenchOptions): Promise<readonly Figure[]> {
  const rounds = sized(options, { quick: 1, short: 3, full: 9 });
  const runs = sized(options, { quick: 3, short: 5, full: 20 });
  await using system = await startSystem(
    { kept: compiling, compiled: compiling, small },
    { concurrency: options.parallelism },
  );
  await measureRuns(system, 'compiled', 1);
  keepNothingMore(system);
  for (const task of ['kept', 'small']) await measureRuns(system, task, 1);
  const costs = new Map<string, Cost[]>([
    ['kept', []],
    ['compiled', []],
    ['small', []],
  ]);
  const measure = (task: string) => async (): Promise<number> => {
    const cost = await measureRuns(system, task, runs);
    costs.get(task)?.push(cost);
    return cost.tookMs;
  };
  const times = await takeTurns(rounds, {
    kept: measure('kept'),
    compiled: measure('compiled'),
    small: measure('small'),
  });
  const cpu = new Map([...costs].map(([task, each]) => [task, each.map(({ cpuMs }) => cpuMs)]));
  return [...figuresOf('time', times), ...figuresOf('cpu', cpu, { atMost: 0.5 })];
}

function figuresOf(what: string, results: Rounds, goal?: Figure['goal']): readonly Figure[] {
  const [kept, compiled, beside] = ['kept', 'compiled', 'small'].map((task) => results.get(task) ?? []) as [
    readonly number[],
    readonly number[],
    readonly number[],
  ];
  return [
    figureOf(`${what}_with_kept_code`, kept, 'ms'),
    figureOf(`${what}_without`, compiled, 'ms'),
    figureOf(`${what}_small_task`, beside, 'ms'),
    figureOf(`${what}_ratio_kept_to_without`, ratiosOf(kept, compiled), '', goal),
    figureOf(`${what}_ratio_kept_to_small`, ratiosOf(kept, beside), ''),
    figureOf(`${what}_ratio_without_to_small`, ratiosOf(compiled, beside), ''),
  ];
}

/** What was kept until now is taken away, and a file put where its folder was: as where nothing can be written. */
function keepNothingMore(system: System): void {
  const folder = join(system.folder, '.cloudcode', 'bundles');
  const kept = globSync('*.compiled', { cwd: folder });
  if (kept.length !== 1) throw new Error(`One bundle should have kept its compiled code; there are ${kept.length}.`);
  for (const name of kept) {
    rmSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name), '');
  }
}

/** The medians of some runs, one after the other. */
async function measureRuns(system: System, task: string, count: number): Promise<Cost> {
  for (let n = 0; n < count; n += 1) {
    await system.request('POST', '/runs', { task });
    await whenAllDone(system, task, 60_000);
  }
  const costs = (await listRuns(system, `task=${task}`, count)).map((run) => {
    if (run.state !== 'succeeded') throw new Error(`Run ${run.id} is ${run.state}: ${run.error?.message ?? ''}`);
    return {
      tookMs: Date.parse(run.finishedAt ?? '') - Date.parse(run.attempts[0]?.startedAt ?? ''),
      cpuMs: Number(run.result),
    };
  });
  return { tookMs: median(costs.map(({ tookMs }) => tookMs)), cpuMs: median(costs.map(({ cpuMs }) => cpuMs)) };
}
