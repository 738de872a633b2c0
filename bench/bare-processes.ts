import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Starts and ends `count` processes of `node -e 0`, `parallelism` at a time, and returns when each had ended (ms, any origin).
 * Their environment is empty but for PATH: some variables (NODE_EXTRA_CA_CERTS) make a start much slower, which would flatter the ratio.
 */
export async function runBareProcesses(count: number, parallelism: number): Promise<readonly number[]> {
  const finishTimes: number[] = [];
  let started = 0;
  const lane = async (): Promise<void> => {
    while (started < count) {
      started += 1;
      const child = spawn(process.execPath, ['-e', '0'], { stdio: 'ignore', env: { PATH: process.env['PATH'] } });
      const [status] = (await once(child, 'exit')) as [number | null];
      if (status !== 0) throw new Error(`node -e 0 ended with status ${status ?? 'none'}`);
      finishTimes.push(performance.now());
    }
  };
  await Promise.all(Array.from({ length: parallelism }, lane));
  return finishTimes;
}
