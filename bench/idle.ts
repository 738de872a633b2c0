import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchOptions, Figure } from './measurement.ts';
import { readMemoryBytes, readProcessTree } from './process-tree.ts';
import { startSystem, whenAllDone } from './system.ts';

const noop = 'export async function run(): Promise<void> {}\n';

/**
 * Memory and CPU of a system that has worked and now has nothing to do: the server, its waiting workers and the embedded PostgreSQL.
 * Memory counts what processes share once (PSS).
 */
export async function measureIdle({ quick, parallelism }: BenchOptions): Promise<readonly Figure[]> {
  if (process.platform !== 'linux') throw new Error('The idle measurement reads /proc, which only Linux has.');
  const seconds = quick ? 5 : 60;
  await using system = await startSystem({ noop }, { concurrency: parallelism });
  await system.request('POST', '/runs', { task: 'noop' });
  await whenAllDone(system, 'noop', 30_000);
  await sleep(quick ? 1000 : 10_000); // the pool fills up, the first autovacuum passes

  const before = readProcessTree(system.roots());
  const started = performance.now();
  await sleep(seconds * 1000);
  const after = readProcessTree(system.roots());
  const elapsedSeconds = (performance.now() - started) / 1000;

  const cpuSeconds = sum(after.map((process) => process.cpuSeconds)) - sum(before.map((process) => process.cpuSeconds));
  const mebibytes = new Map<string, number>();
  for (const { pid, command } of after)
    mebibytes.set(partOf(command), (mebibytes.get(partOf(command)) ?? 0) + readMemoryBytes(pid) / 1_048_576);
  return [
    { name: 'memory', value: sum([...mebibytes.values()]), unit: 'MiB' },
    ...[...mebibytes].map(([part, value]) => ({ name: `memory_${part}`, value, unit: 'MiB' })),
    { name: 'processes', value: after.length, unit: '' },
    { name: 'cpu', value: (100 * cpuSeconds) / elapsedSeconds, unit: '% of a core', goal: { atMost: 1 } },
  ];
}

/** Which part of a running system a process is, by its command. */
export function partOf(command: string): string {
  if (command.includes('postgres')) return 'postgresql';
  if (command.includes('dist/worker-start.cjs')) return 'waiting_workers';
  if (command.includes('dist/guard.cjs')) return 'guard';
  return 'server';
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
