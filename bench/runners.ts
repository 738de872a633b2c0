import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { openCloudCode } from './engine/cloudcode.ts';
import { scheduleAll } from './engine/contender.ts';
import { type Database, startServer } from './engine/server.ts';
import { type BenchOptions, type Figure, sized } from './measurement.ts';
import { figureOf, ratiosOf, takeTurns } from './rounds.ts';
import { steadyRate } from './statistics.ts';

/** The engine alone, in processes of their own: four that claim from one store against one. */
export async function measureRunners(options: BenchOptions): Promise<readonly Figure[]> {
  // So many that each process is warm for most of it: of 10,000, four fresh ones need twice as long for each as one, until V8 has compiled what they do.
  const count = sized(options, { quick: 500, short: 40_000, full: 40_000 });
  const rounds = sized(options, { quick: 1, short: 3, full: 7 });
  await using server = await startServer();
  const database = await server.createDatabase('ours');
  await using ours = await openCloudCode({ database });
  const measure = (runners: number) => async () => {
    await ours.clear();
    await scheduleAll(
      ours,
      Array.from({ length: count }, () => null),
    );
    await ours.settle();
    const doneTimes = (await drainByProcesses(database.url, runners)).flat();
    // None was claimed twice, none was left.
    if (doneTimes.length !== count) throw new Error(`${runners} runners ended ${doneTimes.length} runs of ${count}.`);
    return steadyRate(doneTimes);
  };
  await measure(1)();
  const before = await readConflicts(database);
  const results = await takeTurns(rounds, { one: measure(1), four: measure(4) });
  const one = results.get('one') ?? [];
  const four = results.get('four') ?? [];
  return [
    figureOf('one_runner', one, '/s'),
    figureOf('four_runners', four, '/s'),
    figureOf('four_to_one', ratiosOf(four, one), '', { atLeast: 1 }),
    {
      name: 'transactions_rolled_back',
      value: (await readConflicts(database)) - before,
      unit: '',
      goal: { atMost: 0 },
    },
  ];
}

/** @returns when each runner's runs were ended, by one clock */
async function drainByProcesses(url: string, runners: number): Promise<readonly (readonly number[])[]> {
  const children = Array.from({ length: runners }, () =>
    fork(join(import.meta.dirname, 'engine/drain-process.ts'), [url], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    }),
  );
  try {
    // All are connected before any begins.
    await Promise.all(children.map((child) => once(child, 'message')));
    const answers = children.map((child) => once(child, 'message') as Promise<[readonly number[]]>);
    for (const child of children) child.send('go');
    return (await Promise.all(answers)).map(([times]) => times);
  } finally {
    for (const child of children) child.kill();
  }
}

async function readConflicts(database: Database): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    'select (xact_rollback + deadlocks)::integer as count from pg_stat_database where datname = current_database()',
  );
  return row?.count ?? 0;
}
