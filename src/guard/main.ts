import { writeSync } from 'node:fs';
import { argv, exit, stdin } from 'node:process';
import { lineSplitter, parseGuardLine } from '../protocol/guard-lines.ts';
import { bootTimeMs } from '../runner/containment/boot-clock.ts';
import { endRunnerProcesses, endWorkers } from '../runner/containment/end-runner.ts';

/**
 * The guard: `node guard.cjs <runner id> <cgroup of its workers, or nothing>`. It ends all that the runner's workers started in two cases, and whatever the runner itself does then:
 *
 * - its standard input ends, a pipe that only the runner holds: the kernel closes it when the runner dies, however that comes. Then the guard ends itself as well;
 * - the deadline that the runner named last is over: the runner is stopped, starved, or cannot renew its lease. Then the guard goes on, until a later deadline is named.
 */
const [runnerId = '', cgroup = ''] = argv.slice(2);
const runner = { runnerId, cgroupPath: cgroup === '' ? null : cgroup };

/** Short, because timers do not count the time that the machine is suspended, as deadlines do. */
const lookMs = 100;

// What ends a runner's terminal session or service must not end its guard first. SIGUSR1 would open Node's inspector. Only SIGKILL is left, and the runner then starts another.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const) process.on(signal, () => undefined);

let isOrderly = false;
let isFinishing = false;
let deadline = Infinity;
/** Settles when what is being ended is gone. */
let ending: Promise<void> | null = null;

const onText = lineSplitter((text) => {
  const line = parseGuardLine(text);
  if (line?.kind === 'end') isOrderly = true;
  if (line?.kind === 'hold') void hold(line.deadline);
});

async function hold(named: number): Promise<void> {
  deadline = named;
  await ending;
  say(`holding ${named}`);
}

function look(): void {
  if (ending !== null || isFinishing || bootTimeMs() < deadline) return;
  ending = endWorkers(runner)
    .catch(() => undefined) // the next look tries again
    .finally(() => (ending = null));
}

async function finish(): Promise<void> {
  if (isFinishing) return;
  isFinishing = true;
  if (!isOrderly) await endRunnerProcesses(runner);
  exit(0);
}

function say(line: string): void {
  try {
    writeSync(1, `${line}\n`);
  } catch {
    // The runner died, which the end of the input says too, or reads nothing because it is stopped.
  }
}

setInterval(look, lookMs);
stdin.setEncoding('utf8');
stdin.on('data', onText);
for (const event of ['end', 'close', 'error']) stdin.on(event, () => void finish());
say('ready');
