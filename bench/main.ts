import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { useMemoryFolder } from '../test/support/memory-folder.ts';
import { takeForeignLoads } from './foreign-load.ts';
import { measureBacklog } from './backlog.ts';
import { measureBigDependency } from './big-dependency.ts';
import { measureData } from './data.ts';
import { measureDrain } from './drain.ts';
import { measureHotQueue } from './hot-queue.ts';
import { measureIdle } from './idle.ts';
import { measureLatency } from './latency.ts';
import { measureLateness } from './lateness.ts';
import { measureLists } from './lists.ts';
import { measureLoopDelay } from './loop-delay.ts';
import type { BenchOptions, Measurement } from './measurement.ts';
import { measureNotifications } from './notifications.ts';
import { howToInstall, peersAreInstalled } from './peers/import-peer.ts';
import { hasRedis, howToInstallRedis } from './peers/redis-server.ts';
import { measurePayloads } from './payloads.ts';
import { measureQueues } from './queues.ts';
import { formatFigure, formatLoads, writeResults } from './report/results.ts';
import { measureRunners } from './runners.ts';
import { measureScheduling } from './scheduling.ts';
import { measureThroughput } from './throughput.ts';
import { measureWorking } from './working.ts';

const measurements: readonly Measurement[] = [
  {
    name: 'throughput',
    title: 'Runs of a no-op task, each in a fresh process, against bare `node -e 0`',
    measure: measureThroughput,
  },
  { name: 'latency', title: 'From scheduleTask to run entered', measure: measureLatency },
  {
    name: 'big-dependency',
    title: 'A run that loads a dependency of 10 MB, with kept compiled code and without, and a small task',
    measure: measureBigDependency,
  },
  { name: 'lateness', title: 'How late a run with `at` is entered, on an idle system', measure: measureLateness },
  { name: 'drain', title: 'The engine alone, 10,000 runs that wait', measure: measureDrain },
  { name: 'scheduling', title: 'Scheduling', measure: measureScheduling },
  { name: 'queues', title: 'The engine alone, 10,000 runs in named queues', measure: measureQueues },
  {
    name: 'hot-queue',
    title: 'One queue, run after run in a fresh process, against bare `node -e 0` one after the other',
    measure: measureHotQueue,
  },
  { name: 'runners', title: 'The engine alone, four runners against one', measure: measureRunners },
  { name: 'notifications', title: 'Notifications for a burst of schedules', measure: measureNotifications },
  { name: 'payloads', title: 'The engine alone, runs with large parameters and results', measure: measurePayloads },
  {
    name: 'backlog',
    title: 'The engine alone, with 1,000,000 runs waiting and 1,000,000 kept, against itself empty',
    measure: measureBacklog,
    onlyFull: true,
  },
  {
    name: 'working',
    title: 'A runner that works while 1,000,000 runs wait, against an empty store',
    measure: measureWorking,
    onlyFull: true,
  },
  {
    name: 'lists',
    title: 'A page of a list, with 1,000,000 runs kept',
    measure: measureLists,
    onlyFull: true,
  },
  { name: 'data', title: "A task's DB, against the pg driver with the same statements", measure: measureData },
  {
    name: 'loop-delay',
    title: "How long a server's event loop stands still while 6 clients do their worst",
    measure: measureLoopDelay,
  },
  { name: 'idle', title: 'An idle system', measure: measureIdle },
];

/** What a runner executes at a time unless it is told otherwise (src/engine/runner/start-runner.ts). */
const defaultParallelism = Math.max(4, availableParallelism() * 2);

const help = `npm run bench -- [--only a,b] [--full] [--quick] [--parallelism N]

Measures CloudCode on this machine, side by side with its peers, with stores of its own, and writes bench/results/<time>.json.
Takes some minutes. The goals are printed beside the figures; missing one is no error.

  --only a,b        only these measurements: ${measurements.map(({ name }) => name).join(', ')}
  --full            more rounds, and the store with a million runs: about half an hour, and 3 GB of disk
  --quick           a minute and a half, in memory, to see that the benchmark runs; its figures mean little
  --parallelism N   how many processes run at a time; ${defaultParallelism} here, as a runner does, unless given

The peers are packages of their own: npm ci --prefix bench/peers. BullMQ needs a redis-server besides. What is not there is left out.
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    parallelism: { type: 'string' },
    quick: { type: 'boolean' },
    full: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
if (values.help === true) process.stdout.write(help);
else await main();

async function main(): Promise<void> {
  const options: BenchOptions = {
    quick: values.quick === true,
    full: values.full === true,
    parallelism: Number(values.parallelism ?? defaultParallelism),
  };
  if (!Number.isInteger(options.parallelism) || options.parallelism < 1)
    throw new Error('--parallelism must be a whole number from 1.');
  if (options.quick && options.full) throw new Error('Either --quick or --full.');
  if (options.quick) useMemoryFolder();
  const chosen = chooseMeasurements(values.only, options.full);
  if (!peersAreInstalled()) process.stdout.write(`${howToInstall}\n`);
  else if (!hasRedis()) process.stdout.write(`${howToInstallRedis}\n`);
  const startedAt = new Date().toISOString();
  const results = [];
  let file = '';
  for (const { name, title, measure } of chosen) {
    process.stdout.write(`\n${title}\n`);
    const figures = await measure(options);
    const loads = takeForeignLoads();
    process.stdout.write(figures.map(formatFigure).join('') + formatLoads(loads));
    results.push({ name, title, figures, loads });
    // After each, so that one that fails does not take the others with it.
    file = writeResults(startedAt, options, results);
  }
  process.stdout.write(`\n${file}\n`);
}

function chooseMeasurements(only: string | undefined, isFull: boolean): readonly Measurement[] {
  if (only === undefined) return measurements.filter(({ onlyFull }) => isFull || onlyFull !== true);
  return only.split(',').map((wanted) => {
    const found = measurements.find(({ name }) => name === wanted);
    if (found === undefined)
      throw new Error(
        `There is no measurement ${JSON.stringify(wanted)}; there are ${measurements.map(({ name }) => name).join(', ')}.`,
      );
    return found;
  });
}
