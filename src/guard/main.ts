import { writeSync } from 'node:fs';
import { argv, exit, stdin } from 'node:process';
import { endRunnerProcesses } from '../runner/containment/end-runner.ts';
import { lineSplitter, parseGuardLine } from './guard-line.ts';

/**
 * The guard: `node guard.cjs <runner id> <cgroup of its workers, or nothing>`. It waits for the end of its standard input, a pipe that only the runner holds: the
 * kernel closes it when the runner dies, however that comes. Then it ends all that the runner's workers started, and itself.
 */
const [runnerId = '', cgroupPath = ''] = argv.slice(2);

// What ends a runner's terminal session or service must not end its guard first. SIGUSR1 would open Node's inspector. Only SIGKILL is left, and the runner then starts another.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const) process.on(signal, () => undefined);

let isOrderly = false;
let isEnding = false;

const onText = lineSplitter((text) => {
  if (parseGuardLine(text)?.kind === 'end') isOrderly = true;
});

async function finish(): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  if (!isOrderly) await endRunnerProcesses({ runnerId, cgroupPath: cgroupPath === '' ? null : cgroupPath });
  exit(0);
}

stdin.setEncoding('utf8');
stdin.on('data', onText);
for (const event of ['end', 'close', 'error']) stdin.on(event, () => void finish());

try {
  writeSync(1, 'ready\n');
} catch {
  // The runner died meanwhile; the end of the input says so too.
}
