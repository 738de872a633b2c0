import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../src/package-root.ts';
import { type BenchOptions, type Figure, sized } from './measurement.ts';
import { percentile } from './statistics.ts';
import { scheduleMany, startSystem, type System, whenAllDone } from './system.ts';

const clients = 6;
const goal = { atMost: 250 };
const runsGoal = { atMost: 20 };
const noop = 'export async function run(): Promise<void> {}\n';
const typescript = createRequire(import.meta.url).resolve('typescript');
const echo = 'export async function run(parameters: unknown) { return parameters; }\n';
const prints =
  'export async function run() { for (let line = 0; line < 9000; line += 1) console.log("x".repeat(110)); await new Promise((resolve) => setTimeout(resolve, 20)); }\n';
const large = (version: number): string =>
  `import ts from ${JSON.stringify(typescript)};\nexport const run = () => [ts.version, ${version}];\n`;

/** 5 MB of JSON, in the forms that cost most to read. */
const bodies = {
  text: { text: 'x'.repeat(4_900_000) },
  numbers: { list: Array.from({ length: 1_200_000 }, (_, index) => index % 1000) },
  objects: { list: Array.from({ length: 400_000 }, (_, index) => ({ a: index % 10 })) },
  keys: Object.fromEntries(Array.from({ length: 300_000 }, (_, index) => [`key${index}`, index % 10])),
} as const;

/** What clients do, one call after the other each. */
interface Load {
  readonly name: string;
  readonly ask: (on: { readonly system: System; readonly runs: readonly string[] }, round: number) => Promise<unknown>;
}

const loads: readonly Load[] = [
  ...Object.entries(bodies).map(([name, parameters]): Load => {
    // In a queue that is paused: what the attempts do is not measured here.
    const body = JSON.stringify({ task: 'echo', queue: 'paused', parameters });
    return { name: `post_${name}`, ask: ({ system }) => system.send('POST', '/runs', body) };
  }),
  { name: 'post_no_json', ask: ({ system }) => system.send('POST', '/runs', `[${'1,'.repeat(3_900_000)}x]`) },
  {
    name: 'run_whole',
    ask: ({ system, runs }, round) => system.send('GET', `/runs/${runs[round % runs.length] ?? ''}`),
  },
  { name: 'lists', ask: ({ system }) => system.send('GET', '/runs?limit=200') },
  { name: 'logs', ask: ({ system, runs }) => system.send('GET', `/runs/${runs[0] ?? ''}/logs`) },
  {
    name: 'log_streams',
    ask: ({ system, runs }) =>
      system.send('GET', `/runs/${runs[0] ?? ''}/logs`, undefined, { accept: 'text/event-stream' }),
  },
  {
    name: 'results',
    ask: async ({ system }) => {
      await system.send('POST', '/runs', JSON.stringify({ task: 'echo', parameters: bodies.objects }));
      await sleep(200);
    },
  },
];

/**
 * The longest time for which the event loop of a server with a runner stands still while several clients do their worst, each kind of load by itself: it holds the
 * lease, time and memory limits, and cancels.
 */
export async function measureLoopDelay(options: BenchOptions): Promise<readonly Figure[]> {
  const ms = sized(options, { quick: 500, short: 6_000, full: 20_000 });
  const file = join(tmpdir(), `cloudcode-loop-${process.pid}`);
  writeFileSync(file, '');
  const nodeFlags = ['--require', join(packageRoot, 'bench/loop/probe.cjs')];
  try {
    const files = {
      echo,
      noop,
      prints,
      'cloudcode/large/index.ts': large(0),
      'cloudcode/larger/index.ts': large(0),
      'cloudcode/largest/index.ts': large(0),
    };
    await using system = await startSystem(files, {
      command: 'dev',
      nodeFlags,
      env: { CLOUDCODE_BENCH_LOOP_FILE: file },
    });
    await system.request('POST', '/queues/pause', { queue: 'paused' });
    const runs = [
      await schedule(system, 'prints', {}),
      ...(await Promise.all(Object.values(bodies).map((parameters) => schedule(system, 'echo', parameters)))),
    ];
    await sleep(5_000); // they have run
    const figures: Figure[] = [];
    const runsDelay = await measureRuns(system, file, sized(options, { quick: 20, short: 300, full: 1_000 }));
    for (const { name, ask } of loads) {
      const began = Date.now();
      await Promise.all(
        Array.from({ length: clients }, (_, client) =>
          askUntil(began + ms, (round) => ask({ system, runs }, client + round)),
        ),
      );
      figures.push({ name: `runner_loop_delay_${name}`, value: await maxSince(file, began), unit: 'ms', goal });
    }
    const began = Date.now();
    for (let version = 1; version <= 2; version += 1) {
      for (const task of ['large', 'larger', 'largest'])
        writeFileSync(join(system.folder, 'cloudcode', task, 'index.ts'), large(version));
      await sleep(ms);
    }
    figures.push({ name: 'runner_loop_delay_saves', value: await maxSince(file, began), unit: 'ms', goal });
    return [
      { name: 'runner_loop_delay_p99_runs', value: runsDelay, unit: 'ms', goal: runsGoal },
      { name: 'runner_loop_delay_max', value: Math.max(...figures.map(({ value }) => value)), unit: 'ms', goal },
      ...figures,
    ];
  } finally {
    rmSync(file, { force: true });
  }
}

async function schedule(system: System, task: string, parameters: object): Promise<string> {
  return ((await system.request('POST', '/runs', { task, parameters })) as { readonly id: string }).id;
}

async function askUntil(end: number, ask: (round: number) => Promise<unknown>): Promise<void> {
  for (let round = 0; Date.now() < end; round += 1) await ask(round);
}

/** The 99th percentile of all turns, in milliseconds, while runs are executed as fast as they are. */
async function measureRuns(system: System, file: string, count: number): Promise<number> {
  const at = new Date(Date.now() + 1_000 + count * 5).toISOString();
  await scheduleMany(
    system,
    Array.from({ length: count }, () => ({ task: 'noop', at })),
  );
  await sleep(Math.max(0, Date.parse(at) - Date.now()));
  const began = Date.now();
  await whenAllDone(system, 'noop', 5_000 + count * 500);
  const delays = (await linesSince(file, began)).flatMap(([, , ...each]) => each);
  return percentile(delays, 0.99);
}

/** In milliseconds, also of what comes to light just afterwards. */
async function maxSince(file: string, began: number): Promise<number> {
  return Math.max(0, ...(await linesSince(file, began)).map(([, delay = 0]) => delay));
}

/** What the probe has written: when, the latest turn, all turns. */
async function linesSince(file: string, began: number): Promise<readonly (readonly number[])[]> {
  await sleep(1_000);
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number))
    .filter(([at = 0]) => at >= began);
}
