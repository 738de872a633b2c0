import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProcessesGone } from '../src/engine/core/processes-gone.ts';
import { finishAttempt } from '../src/engine/operations/finish-attempt.ts';
import { scheduleRun } from '../src/engine/operations/schedule-run.ts';
import { claimRuns } from '../src/engine/store/claim-runs.ts';
import { openCloudCode } from './engine/cloudcode.ts';
import { startServer } from './engine/server.ts';
import { type BenchOptions, type Figure, sized } from './measurement.ts';

/** Of the JSON, in bytes, with how many runs of each there are. */
const sizes = [
  { name: '100_b', bytes: 100, runs: 500 },
  { name: '10_kb', bytes: 10_000, runs: 500 },
  { name: '1_mb', bytes: 1_000_000, runs: 40 },
  { name: '5_mb', bytes: 5_000_000, runs: 10 },
] as const;

interface Seen {
  readonly updates: number;
  readonly hot: number;
  readonly walBytes: number;
}

/** Runs whose parameters and result are as large: how many updates of their rows are HOT, and what is written to the WAL for each byte that has to be kept. */
export async function measurePayloads(options: BenchOptions): Promise<readonly Figure[]> {
  await using server = await startServer();
  const database = await server.createDatabase('payloads');
  await using ours = await openCloudCode({ database });
  const { store, runnerId } = ours;
  const see = async (): Promise<Seen> => {
    // Sessions tell what they have counted when they have been idle for a second.
    await sleep(1_500);
    const [row] = await store.query<Seen>({
      name: '',
      text: `
        select n_tup_upd::double precision as updates, n_tup_hot_upd::double precision as hot,
          (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::double precision as "walBytes"
        from pg_stat_user_tables where relid = 'cloudcode.runs'::regclass`,
    });
    if (row === undefined) throw new Error('there is no table of runs');
    return row;
  };
  const figures: Figure[] = [];
  for (const { name, bytes, runs } of sizes) {
    const count = sized(options, { quick: Math.ceil(runs / 10), short: runs, full: runs });
    // What cannot be compressed, as a picture would be.
    const text = randomBytes(Math.ceil((bytes * 3) / 4))
      .toString('base64')
      .slice(0, bytes - 12);
    const before = await see();
    const startedAt = performance.now();
    for (let number = 0; number < count; number += 1)
      await scheduleRun(store, 'testing', { task: 'noop', parameters: { text } });
    for (let ended = 0; ended < count;) {
      const claimed = await claimRuns(store, { runnerId, limit: 100, after: 0 });
      for (const run of claimed) {
        await finishAttempt(store, {
          runId: run.id,
          task: run.task,
          fence: run.fence,
          number: run.attempt,
          attemptLimit: run.attemptLimit,
          outcome: 'returned',
          resultJson: JSON.stringify(text),
          error: null,
          gone: ProcessesGone.because('never_started'),
          cancelRequested: false,
          exitCode: 0,
          signal: null,
          pid: null,
          peakMemoryBytes: null,
          lines: [],
        });
        ended += 1;
      }
      if (claimed.length === 0) throw new Error(`Only ${ended} of ${count} runs could be claimed.`);
    }
    const tookMs = performance.now() - startedAt;
    const after = await see();
    figures.push(
      {
        name: `${name}_hot`,
        value: (after.hot - before.hot) / (after.updates - before.updates),
        unit: '',
        goal: { atLeast: 0.99 },
      },
      { name: `${name}_wal`, value: (after.walBytes - before.walBytes) / count / 1000, unit: 'KB' },
      ...(bytes < 1_000
        ? []
        : [
            {
              name: `${name}_wal_for_a_byte`,
              value: (after.walBytes - before.walBytes) / count / (2 * bytes),
              unit: '',
              goal: { atMost: 1.3 },
            },
          ]),
      { name: `${name}_run`, value: tookMs / count, unit: 'ms' },
    );
  }
  return figures;
}
