import { setTimeout as sleep } from 'node:timers/promises';
import { openFolderStore } from '../src/main/open-store.ts';
import type { Store } from '../src/engine/store/open-store.ts';
import { runBareProcesses } from './bare-processes.ts';
import { type BenchOptions, type Figure, sized } from './measurement.ts';
import { compareRates, takeTurns } from './rounds.ts';
import { steadyRate } from './statistics.ts';
import { startSystem, whenAllDone } from './system.ts';

const tasks = {
  noop: 'export async function run(): Promise<void> {}\n',
  fill: `export const config = { timeoutMs: 600_000, maxAttempts: 1 };

export async function run({ count }: { count: number }): Promise<void> {
  for (let first = 0; first < count; first += 1000) {
    const many = Math.min(1000, count - first);
    await CloudCode.scheduleTasks(Array.from({ length: many }, () => ({ task: 'noop' as const, queue: 'hot' })));
  }
}
`,
};

/**
 * A queue that holds many runs, one of which runs at a time: how many a second, against one `node -e 0` after the other. Each round looks at the next runs of the queue, while
 * the others wait behind them.
 */
export async function measureHotQueue(options: BenchOptions): Promise<readonly Figure[]> {
  const waiting = sized(options, { quick: 100, short: 10_000, full: 10_000 });
  const rounds = sized(options, { quick: 1, short: 3, full: 5 });
  const count = sized(options, { quick: 10, short: 100, full: 300 });
  await using system = await startSystem(tasks, { concurrency: options.parallelism });
  const { store, close } = await openFolderStore({ folder: system.folder });
  try {
    await system.request('POST', '/queues/hot/pause', {});
    await system.request('POST', '/runs', { task: 'fill', parameters: { count: waiting } });
    await whenAllDone(system, 'fill', 120_000);
    await runBareProcesses(5, 1);
    const results = await takeTurns(rounds, {
      cloudcode: async () => {
        const before = await countEnded(store);
        await system.request('POST', '/queues/hot/resume', {});
        for (let looks = 0; (await countEnded(store)) < before + count; looks += 1) {
          if (looks > 1200) throw new Error(`The queue has not done ${count} runs within five minutes.`);
          await sleep(250);
        }
        await system.request('POST', '/queues/hot/pause', {});
        await sleep(1000); // the one that runs ends
        return steadyRate(await readEnds(store, before, count));
      },
      bare_node: async () => steadyRate(await runBareProcesses(count, 1)),
    });
    return compareRates('in_order', results, { bare_node: 0.8 });
  } finally {
    await close();
  }
}

async function countEnded(store: Store): Promise<number> {
  const rows = await store.query<{ ended: number }>({
    name: 'bench_ended',
    text: "select count(*)::integer as ended from cloudcode.runs where task = 'noop' and finished_at is not null",
  });
  return rows[0]?.ended ?? 0;
}

/** When the runs after the first `skipped` ones ended (ms). They must have ended in the order in which they were scheduled. */
async function readEnds(store: Store, skipped: number, count: number): Promise<readonly number[]> {
  const rows = await store.query<{ ms: number; ordered: boolean }>({
    name: 'bench_ends',
    text: `
      select extract(epoch from finished_at)::double precision * 1000 as ms, coalesce(finished_at >= lag(finished_at) over (order by seq), true) as ordered
      from cloudcode.runs where task = 'noop' and finished_at is not null order by seq offset $1 limit $2`,
    values: [skipped, count],
  });
  if (!rows.every(({ ordered }) => ordered)) throw new Error('The runs of the queue were not in order.');
  return rows.map(({ ms }) => ms);
}
