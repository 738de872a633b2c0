import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../fixtures/runner/main.ts', import.meta.url));

export interface RunnerProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** A real runner in its own process, ready to claim. */
export async function startRunnerProcess(url: string, folder: string, concurrency = 4): Promise<RunnerProcess> {
  const child = spawn(process.execPath, [script, url, folder, String(concurrency)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return {
    child,
    pid: child.pid ?? 0,
    async kill(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    },
  };
}
