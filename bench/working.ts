import { setTimeout as sleep } from 'node:timers/promises';
import { openFolderStore } from '../src/main/open-store.ts';
import { clearRuns, fillStore } from './engine/fill.ts';
import { type Database, type Server, startServer } from './engine/server.ts';
import { partOf } from './idle.ts';
import { type BenchOptions, type Figure, sized } from './measurement.ts';
import { readMemoryBytes, readProcessTree } from './process-tree.ts';
import { figureOf, ratiosOf, takeTurns } from './rounds.ts';
import { median } from './statistics.ts';
import { startSystem, type System } from './system.ts';

const noop = 'export async function run(): Promise<void> {}\n';
/** What the empty store is given for each round: more than can be done of it. */
const enough = 4000;

/** Memory of the process that serves and claims, and runs a second in fresh processes, while a million runs wait and a million are kept; against a store with nothing else in it. */
export async function measureWorking(options: BenchOptions): Promise<readonly Figure[]> {
  if (process.platform !== 'linux') throw new Error('Memory is read from /proc, which only Linux has.');
  const size = sized(options, { quick: 10_000, short: 1_000_000, full: 1_000_000 });
  const seconds = sized(options, { quick: 2, short: 8, full: 15 });
  await using server = await startServer();
  const empty = await openStoreOf(server, 'small');
  const large = await openStoreOf(server, 'large');
  await fillStore(large, { waiting: size, queues: size / 10, finished: size });
  const rates = new Map<Database, number[]>([
    [empty, []],
    [large, []],
  ]);
  const work = (database: Database, refill: boolean) => async (): Promise<number> => {
    if (refill) {
      await database.query(clearRuns);
      await fillStore(database, { waiting: enough, queues: enough / 10, finished: 0 });
    }
    await using system = await startSystem({ noop }, { concurrency: options.parallelism, databaseUrl: database.url });
    await sleep(2000); // the pool is full, all code is warm
    const before = await countEnded(database);
    const bytes = await sampleMemory(system, seconds);
    rates.get(database)?.push(((await countEnded(database)) - before) / seconds);
    return bytes / 1_048_576;
  };
  const memory = await takeTurns(sized(options, { quick: 1, short: 3, full: 5 }), {
    empty: work(empty, true),
    large: work(large, false),
  });
  const [inEmpty, inLarge] = [memory.get('empty') ?? [], memory.get('large') ?? []];
  return [
    figureOf('memory_empty', inEmpty, 'MiB'),
    figureOf('memory_large', inLarge, 'MiB'),
    figureOf('memory_ratio', ratiosOf(inLarge, inEmpty), '', { atMost: 1.1 }),
    figureOf('runs_per_second_empty', rates.get(empty) ?? [], '/s'),
    figureOf('runs_per_second_large', rates.get(large) ?? [], '/s'),
    figureOf('times_the_time', ratiosOf(rates.get(empty) ?? [], rates.get(large) ?? []), '', { atMost: 1.2 }),
  ];
}

async function openStoreOf(server: Server, name: string): Promise<Database> {
  const database = await server.createDatabase(name);
  const { close } = await openFolderStore({ folder: '', databaseUrl: database.url });
  await close();
  return database;
}

/** The median of some looks at the process that serves and claims: not its workers, nor its guard. */
async function sampleMemory(system: System, seconds: number): Promise<number> {
  const looks: number[] = [];
  for (const end = performance.now() + seconds * 1000; performance.now() < end; await sleep(500)) {
    const servers = readProcessTree(system.roots()).filter(({ command }) => partOf(command) === 'server');
    looks.push(servers.reduce((total, { pid }) => total + readMemoryBytes(pid), 0));
  }
  return median(looks);
}

async function countEnded(database: Database): Promise<number> {
  // Of those that were done here: the runs that the store was filled with have one attempt of no runner.
  const [row] = await database.query<{ count: number }>(
    "select count(*)::integer as count from cloudcode.attempts where finished_at is not null and runner_id <> '00000000-0000-0000-0000-000000000000'",
  );
  return row?.count ?? 0;
}
