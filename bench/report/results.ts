import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { packageRoot, packageVersion } from '../../src/package-root.ts';
import { noisyAbove } from '../foreign-load.ts';
import { type BenchOptions, type Figure, reachesGoal } from '../measurement.ts';

export interface Measured {
  readonly name: string;
  readonly title: string;
  readonly figures: readonly Figure[];
  /** Before each turn: how many processors others kept busy. */
  readonly loads: readonly number[];
}

/** What a file in bench/results holds. */
export interface Results {
  readonly startedAt: string;
  readonly version: string;
  readonly machine: ReturnType<typeof describeMachine>;
  readonly options: BenchOptions;
  readonly measurements: readonly Measured[];
}

/** @returns the file's path */
export function writeResults(startedAt: string, options: BenchOptions, measured: readonly Measured[]): string {
  const folder = join(packageRoot, 'bench/results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${startedAt.replaceAll(':', '-')}.json`);
  const measurements = measured.map((each) => ({
    ...each,
    figures: each.figures.map((figure) => ({ ...figure, reached: reachesGoal(figure) })),
  }));
  const results: Results = { startedAt, version: packageVersion, machine: describeMachine(), options, measurements };
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  return file;
}

/** One line of the table: the figure, the lowest and the highest round, and its goal. */
export function formatFigure(figure: Figure): string {
  const spread =
    figure.rounds === undefined || figure.rounds.length < 2
      ? ''
      : `${formatValue(Math.min(...figure.rounds))} to ${formatValue(Math.max(...figure.rounds))}`;
  return (
    `  ${figure.name.padEnd(48)} ${formatValue(figure.value).padStart(8)} ${figure.unit.padEnd(6)} ${spread.padEnd(18)} ${formatGoal(figure)}`.trimEnd() +
    '\n'
  );
}

/** How quiet the machine was before the turns. */
export function formatLoads(loads: readonly number[]): string {
  if (loads.length === 0) return '';
  const highest = Math.max(...loads);
  const range = `${formatValue(Math.min(...loads))} to ${formatValue(highest)}`;
  return `  processors busy with something else before each turn: ${range}${highest > noisyAbove ? `: NOISY, above ${noisyAbove}` : ''}\n`;
}

function formatValue(value: number): string {
  return value.toFixed(Math.abs(value) >= 100 ? 0 : 2);
}

function formatGoal(figure: Figure): string {
  if (figure.goal === undefined) return '';
  const goal = 'atLeast' in figure.goal ? `at least ${figure.goal.atLeast}` : `at most ${figure.goal.atMost}`;
  return `goal ${goal}: ${reachesGoal(figure) === true ? 'reached' : 'MISSED'}`;
}

function describeMachine(): {
  readonly platform: string;
  readonly arch: string;
  readonly node: string;
  readonly cores: number;
  readonly cpu: string;
  readonly memoryBytes: number;
} {
  return {
    platform: process.platform,
    arch: process.arch,
    node: process.version,
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryBytes: totalmem(),
  };
}
