import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot, packageVersion } from '../src/package-root.ts';
import { measureData } from './data.ts';
import { measureIdle } from './idle.ts';
import { measureLatency } from './latency.ts';
import { reachesGoal } from './measurement.ts';
import type { BenchOptions, Figure, Measurement } from './measurement.ts';
import { measureThroughput } from './throughput.ts';

const measurements: readonly Measurement[] = [
  { name: 'throughput', title: 'Runs of a no-op task, against bare `node -e 0`', measure: measureThroughput },
  { name: 'latency', title: 'From scheduleTask resolved to run entered', measure: measureLatency },
  { name: 'data', title: "A task's DB, against the pg driver with the same statements", measure: measureData },
  { name: 'idle', title: 'An idle system', measure: measureIdle },
];

/** What a runner executes at a time unless it is told otherwise (src/runner/start-runner.ts). */
const defaultParallelism = Math.max(4, availableParallelism() * 2);

const help = `npm run bench -- [--only a,b] [--parallelism N] [--quick]

Measures CloudCode on this machine, with a project and an embedded PostgreSQL of its own, and writes bench/results/<time>.json.
Takes about five minutes. The goals are printed beside the figures; missing one is no error.

  --only a,b        only these measurements: ${measurements.map(({ name }) => name).join(', ')}
  --parallelism N   how many processes run at a time; ${defaultParallelism} here, as a runner does, unless given
  --quick           under a minute, to see that the benchmark runs; its figures mean little
`;

const { values } = parseArgs({
  options: { only: { type: 'string' }, parallelism: { type: 'string' }, quick: { type: 'boolean' }, help: { type: 'boolean' } },
});
if (values.help === true) process.stdout.write(help);
else await main();

async function main(): Promise<void> {
  const chosen = chooseMeasurements(values.only);
  const options: BenchOptions = { quick: values.quick === true, parallelism: Number(values.parallelism ?? defaultParallelism) };
  if (!Number.isInteger(options.parallelism) || options.parallelism < 1) throw new Error('--parallelism must be a whole number from 1.');
  const startedAt = new Date().toISOString();
  const results: object[] = [];
  for (const { name, title, measure } of chosen) {
    process.stdout.write(`\n${title}\n`);
    const figures = await measure(options);
    process.stdout.write(figures.map(formatFigure).join(''));
    results.push({ name, title, figures: figures.map((figure) => ({ ...figure, reached: reachesGoal(figure) })) });
  }
  const folder = join(packageRoot, 'bench/results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${startedAt.replaceAll(':', '-')}.json`);
  writeFileSync(file, `${JSON.stringify({ startedAt, version: packageVersion, machine: describeMachine(), options, measurements: results }, null, 2)}\n`);
  process.stdout.write(`\n${file}\n`);
}

function chooseMeasurements(only: string | undefined): readonly Measurement[] {
  if (only === undefined) return measurements;
  return only.split(',').map((wanted) => {
    const found = measurements.find(({ name }) => name === wanted);
    if (found === undefined) throw new Error(`There is no measurement ${JSON.stringify(wanted)}; there are ${measurements.map(({ name }) => name).join(', ')}.`);
    return found;
  });
}

function formatFigure(figure: Figure): string {
  const value = figure.value.toFixed(figure.value >= 100 ? 0 : 2);
  return `  ${figure.name.padEnd(28)} ${value.padStart(8)} ${figure.unit.padEnd(12)} ${formatGoal(figure)}`.trimEnd() + '\n';
}

function formatGoal(figure: Figure): string {
  if (figure.goal === undefined) return '';
  const goal = 'atLeast' in figure.goal ? `at least ${figure.goal.atLeast}` : `at most ${figure.goal.atMost}`;
  return `goal ${goal}: ${reachesGoal(figure) === true ? 'reached' : 'MISSED'}`;
}

function describeMachine(): object {
  return { platform: process.platform, arch: process.arch, node: process.version, cores: availableParallelism(), cpu: cpus()[0]?.model ?? 'unknown', memoryBytes: totalmem() };
}
