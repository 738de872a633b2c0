import { listFinishedRuns } from '../src/engine/operations/list-finished-runs.ts';
import { listRuns, type RunListFilter } from '../src/engine/operations/list-runs.ts';
import { checkStore } from '../src/engine/store/check-store.ts';
import type { Store } from '../src/engine/store/open-store.ts';
import { openCloudCode } from './engine/cloudcode.ts';
import { fillKept, kept } from './engine/fill-kept.ts';
import { startServer } from './engine/server.ts';
import { type BenchOptions, type Figure, sized } from './measurement.ts';
import { figureOf } from './rounds.ts';

const goal = { atMost: 50 };

/** A page of each filter, by the operation that the API and the CLI call, with 1,000,000 finished runs kept: of values that many, few and no runs have, and in the middle of what there is. */
export async function measureLists(options: BenchOptions): Promise<readonly Figure[]> {
  const count = sized(options, { quick: 10_000, short: 1_000_000, full: 1_000_000 });
  const rounds = sized(options, { quick: 3, short: 9, full: 25 });
  await using server = await startServer();
  const database = await server.createDatabase('lists');
  await using ours = await openCloudCode({ database, keep: true });
  const { store } = ours;
  await fillKept(database, count);
  const figures: Figure[] = [await measureListing(store, count, server.cpuMs)];
  await database.settle();
  const wrong = await checkStore(store);
  if (wrong.length > 0) throw new Error(`What is measured is not as it would be: ${JSON.stringify(wrong.slice(0, 3))}`);
  for (const [name, filter] of Object.entries(filtersOf(count))) {
    const times: number[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const startedAt = performance.now();
      await listRuns(store, 'testing', filter);
      // The first one reads from the disk, and plans.
      if (round > 0) times.push(performance.now() - startedAt);
    }
    figures.push(figureOf(name, times, 'ms', filter.search === undefined ? goal : undefined));
  }
  return figures;
}

/** What it costs to list finished runs, apart from their ends. */
async function measureListing(store: Store, count: number, cpuMs: () => number): Promise<Figure> {
  const before = cpuMs();
  await listFinishedRuns(store);
  return figureOf('listing_cpu', [((cpuMs() - before) * 1000) / count], 'µs');
}

function filtersOf(count: number): Record<string, RunListFilter> {
  const middle = { cursor: String(Math.ceil(count / 2)) };
  const now = Date.now();
  const ago = (share: number): string => new Date(now - share * 86_400_000).toISOString();
  return {
    every: {},
    every_page_of_200: { limit: 200 },
    every_in_the_middle: middle,
    ...Object.fromEntries(
      (['scheduled', 'queued', 'running', 'succeeded', 'failed', 'dead'] as const).map((state) => [state, { state }]),
    ),
    succeeded_in_the_middle: { state: 'succeeded', ...middle },
    failed_in_the_middle: { state: 'failed', ...middle },
    state_rare: { state: 'cancelled' },
    task: { task: 'task 0' },
    task_in_the_middle: { task: 'task 0', ...middle },
    task_rare: { task: 'rare' },
    task_absent: { task: 'nothing' },
    task_failed: { task: 'task 0', state: 'failed' },
    task_waiting: { task: 'task 0', state: 'queued' },
    task_cancelled_absent: { task: 'task 0', state: 'cancelled' },
    queue: { queue: 'queue 0' },
    queue_in_the_middle: { queue: 'queue 0', ...middle },
    queue_of_few: { queue: 'queue 41' },
    queue_rare: { queue: 'rare' },
    queue_absent: { queue: 'nothing' },
    queue_failed: { queue: 'queue 0', state: 'failed' },
    queue_and_rare_task: { queue: 'queue 0', task: 'rare' },
    key: { key: 'key 2' },
    key_rare: { key: 'rare' },
    key_absent: { key: 'nothing' },
    scheduled_by: { scheduledBy: kept.caller(200) },
    scheduled_by_of_many: { scheduledBy: kept.caller(2) },
    scheduled_by_of_many_in_the_middle: { scheduledBy: kept.caller(2), ...middle },
    scheduled_by_rare: { scheduledBy: kept.caller(1) },
    scheduled_by_absent: { scheduledBy: kept.caller(999_999_999) },
    scheduled_by_of_many_cancelled_absent: { scheduledBy: kept.caller(2), state: 'cancelled' },
    deployment: { deployment: String(kept.deployments) },
    deployment_old: { deployment: '1' },
    deployment_failed: { deployment: '5', state: 'failed' },
    deployment_rare: { deployment: '999' },
    deployment_absent: { deployment: '998' },
    fingerprint: { fingerprint: 'fingerprint 2' },
    fingerprint_in_the_middle: { fingerprint: 'fingerprint 2', ...middle },
    fingerprint_of_task: { fingerprint: 'fingerprint 2', task: 'task 7' },
    fingerprint_rare: { fingerprint: 'rare' },
    fingerprint_absent: { fingerprint: 'nothing' },
    since_an_hour: { since: ago(1 / 24) },
    until_12_hours: { until: ago(0.5) },
    since_and_until: { since: ago(0.5), until: ago(0.49) },
    until_rare: { until: ago(0.999_999) },
    until_absent: { until: ago(2) },
    failed_since_and_until: { state: 'failed', since: ago(0.5), until: ago(0.49) },
    search_absent: { search: 'there is no such text' },
    search_of_task_absent: { search: 'there is no such text', task: 'task 0' },
    search_failed: { search: 'was refused', state: 'failed' },
    search_failed_absent: { search: 'there is no such text', state: 'failed' },
    task_since_and_until: { task: 'task 7', since: ago(0.5), until: ago(0.49) },
  };
}
