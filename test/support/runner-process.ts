import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../fixtures/runner/main.ts', import.meta.url));
const compileCache = new URL('compile-cache.ts', import.meta.url).href;

export interface RunnerProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Its id as a runner. */
  readonly id: string;
  /** With SIGKILL and SIGTERM, waits until it has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

export interface RunnerProcessOptions {
  readonly concurrency?: number;
  readonly leaseMs?: number;
  readonly containment?: 'cgroup' | 'scan';
}

/** A real runner in its own process, ready to claim. */
export async function startRunnerProcess(
  url: string,
  folder: string,
  { containment, ...options }: RunnerProcessOptions = {},
): Promise<RunnerProcess> {
  const command = ['--import', compileCache, script, url, folder, JSON.stringify({ concurrency: 4, ...options })];
  const child = spawn(process.execPath, command, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...(containment === undefined ? {} : { CLOUDCODE_CONTAINMENT: containment }) },
  });
  const ended = once(child, 'exit').then(([status, signal]: unknown[]) =>
    Promise.reject(new Error(`the runner ended at its start: ${String(status ?? signal)}`)),
  );
  const [ready] = (await Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), ended])) as [string];
  return {
    child,
    pid: child.pid ?? 0,
    id: ready.trim().split(' ')[1] ?? '',
    async kill(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    },
  };
}
