import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { packageRoot } from '../../package-root.ts';
import type { Proxy } from '../proxy/open-proxy.ts';

/** One of the campaign's runners: `cloudcode start` in a process of its own, started again whenever a fault has ended it. */
export interface CampaignRunner {
  readonly number: number;
  readonly proxy: Proxy;
  /** Null while it is down. */
  pid(): number | null;
  /** Resolves when it works; tries again while the database is away. @throws CloudCodeError `chaos_failed` */
  start(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Resolves when it is gone; after `withinMs` it is killed. */
  ended(withinMs: number): Promise<void>;
  /** Each time it worked and then ended although nobody had ended it: how. None, when all is well. */
  readonly endedByItself: readonly string[];
}

export interface RunnerSetting {
  readonly number: number;
  readonly proxy: Proxy;
  readonly databaseUrl: string;
  readonly project: string;
  readonly leaseMs: number;
  readonly concurrency: number;
  readonly logFile: string;
  readonly clockFile: string;
}

const startPauseMs = 300;
/** The database is never away for so long. */
const startPatienceMs = 120_000;
const shownLogBytes = 2_000;

export function campaignRunner(setting: RunnerSetting, stopping: AbortSignal): CampaignRunner {
  let child: ChildProcess | null = null;
  const endedByItself: string[] = [];
  let isToEnd = false;

  const start = async (): Promise<void> => {
    const end = performance.now() + startPatienceMs;
    while (!stopping.aborted) {
      if (performance.now() > end) throw doesNotStart(setting);
      const started = spawnRunner(setting);
      child = started;
      isToEnd = false;
      started.once('exit', () => (child = child === started ? null : child));
      if (await works(started)) {
        started.once('exit', (code, signal) => {
          if (!isToEnd) endedByItself.push(signal === null ? `exit code ${code}` : signal);
        });
        return;
      }
      await delay(startPauseMs);
    }
  };
  return {
    number: setting.number,
    proxy: setting.proxy,
    pid: () => child?.pid ?? null,
    start,
    signal(name) {
      isToEnd ||= name === 'SIGKILL' || name === 'SIGTERM';
      child?.kill(name);
    },
    endedByItself,
    async ended(withinMs) {
      const ending = child;
      if (ending === null) return;
      const timer = setTimeout(() => ending.kill('SIGKILL'), withinMs);
      await exitOf(ending);
      clearTimeout(timer);
    },
  };
}

function spawnRunner(setting: RunnerSetting): ChildProcess {
  const { databaseUrl, project, concurrency, leaseMs, logFile, clockFile } = setting;
  const log = openSync(logFile, 'a');
  const command = [
    '--require',
    join(packageRoot, 'dist/chaos-in-runner.cjs'),
    join(packageRoot, 'bin/cloudcode.cjs'),
    'start',
    '--json',
    '--no-http',
    '--project',
    project,
    '--database',
    databaseUrl,
    '--concurrency',
    String(concurrency),
    '--lease-ms',
    String(leaseMs),
  ];
  // A group of its own: a Ctrl-C at the terminal is for the campaign, which ends its runners in order.
  const child = spawn(process.execPath, command, {
    stdio: ['ignore', 'pipe', log, 'pipe'],
    detached: true,
    cwd: '/',
    env: { ...ownEnvironment(), CLOUDCODE_CHAOS_CLOCK: clockFile },
  });
  closeSync(log);
  child.on('error', () => undefined);
  child.stdio[3]?.on('error', () => undefined);
  return child;
}

function doesNotStart({ number, logFile }: RunnerSetting): CloudCodeError {
  const said = readFileSync(logFile).subarray(-shownLogBytes).toString();
  return new CloudCodeError(
    'chaos_failed',
    `Runner ${number + 1} of the campaign did not start within ${startPatienceMs / 1000} s. It said:\n${said}`,
  );
}

/** Nothing that would tell a runner to use another database. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^CLOUDCODE_(URL|TOKEN|DATABASE_URL)$/.test(name)),
  );
}

/** It says so in its first line, which bears its pid; or it says what is wrong, and ends. */
async function works(child: ChildProcess): Promise<boolean> {
  if (child.stdout === null) return false;
  const lines = createInterface(child.stdout);
  const said = new Promise<string>((resolve) => lines.once('line', resolve));
  const first = await Promise.race([said, exitOf(child).then(() => '')]);
  return first.includes(`"pid":${child.pid}`);
}

async function exitOf(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) await once(child, 'exit');
}
