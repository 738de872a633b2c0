import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { argv, exit, stdin } from 'node:process';
import { lineSplitter, parseGuardLine } from '../protocol/guard-lines.ts';
import { bootTimeMs } from '../runner/containment/boot-clock.ts';
import { endRunnerProcesses, endWorker, endWorkers } from '../runner/containment/end-runner.ts';
import { killForSure } from '../runner/containment/kill-for-sure.ts';
import { messageOf } from '../core/thrown.ts';

/**
 * The guard: `node guard.cjs <runner id> <cgroup of its workers, or nothing>`. It ends all that the runner's workers started in two cases, and whatever the runner itself does then:
 *
 * - its standard input ends, a pipe that only the runner holds: the kernel closes it when the runner dies, however that comes. Then the guard ends itself as well;
 * - the deadline that the runner named last has passed: the runner is stopped, starved, or cannot renew its lease. Then the guard goes on, until a later deadline is named.
 *
 * It also ends a worker that the runner fails to end. What it cannot end, or not look at, it tries again until it has worked.
 */
const [runnerId = '', cgroup = ''] = argv.slice(2);
const runner = { runnerId, cgroupPath: cgroup === '' ? null : cgroup };

/** Short, because timers do not count the time that the machine is suspended, as deadlines do. */
const lookMs = 100;

// What ends a runner's terminal session or service must not end its guard first. SIGUSR1 would open Node's inspector. Only SIGKILL is left, and the runner then starts another.
for (const signal of [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
] as const)
  process.on(signal, () => undefined);

let isOrderly = false;
let isFinishing = false;
let deadline = Infinity;
/** Resolves when what is being ended is known to be gone. */
let ending: Promise<void> | null = null;
const workersBeingEnded = new Set<string>();

const onText = lineSplitter((text) => {
  const line = parseGuardLine(text);
  if (line?.kind === 'end') isOrderly = true;
  if (line?.kind === 'hold') void hold(line.deadline);
  if (line?.kind === 'kill') void killWorker(line.workerId, line.folder);
});

async function hold(named: number): Promise<void> {
  deadline = named;
  await ending;
  say(`holding ${named}`);
}

function look(): void {
  if (ending !== null || isFinishing || bootTimeMs() < deadline) return;
  ending = untilEnded(() => endWorkers(runner)).then(() => void (ending = null));
}

async function killWorker(workerId: string, folder: string | null): Promise<void> {
  if (workersBeingEnded.has(workerId)) return;
  workersBeingEnded.add(workerId);
  await untilEnded(() =>
    endWorker({
      workerId,
      cgroupPath: runner.cgroupPath === null || folder === null ? null : join(runner.cgroupPath, folder),
    }),
  );
  workersBeingEnded.delete(workerId);
}

async function untilEnded(end: () => Promise<void>): Promise<void> {
  await killForSure(end, { failed: (error) => say(`trouble ${oneLine(error)}`), over: () => undefined });
}

function oneLine(error: unknown): string {
  return messageOf(error).replaceAll(/\s+/g, ' ').slice(0, 500);
}

async function finish(): Promise<void> {
  if (isFinishing) return;
  isFinishing = true;
  if (!isOrderly) await untilEnded(() => endRunnerProcesses(runner));
  exit(0);
}

function say(line: string): void {
  try {
    writeSync(1, `${line}\n`);
  } catch {
    // The runner died, which the end of the input says too, or reads nothing because it is stopped.
  }
}

bootTimeMs(); // it keeps its file open: from now on the clock can be read, whatever else cannot be opened
setInterval(look, lookMs);
stdin.setEncoding('utf8');
stdin.on('data', onText);
for (const event of ['end', 'close', 'error']) stdin.on(event, () => void finish());
say('ready');
