import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/**
 * What one would write without any product: `child_process.fork` for each run, which gets the parameters by a message, calls `run`, and answers by another.
 * @returns when each child had ended (ms, any origin)
 */
export async function runForked(count: number, parallelism: number): Promise<readonly number[]> {
  const finishTimes: number[] = [];
  let started = 0;
  const lane = async (): Promise<void> => {
    while (started < count) {
      started += 1;
      const child = fork(join(import.meta.dirname, 'forked-child.mjs'), {
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
        env: { PATH: process.env['PATH'] },
      });
      const answered = once(child, 'message');
      const exited = once(child, 'exit');
      child.send({});
      await answered;
      await exited;
      finishTimes.push(performance.now());
    }
  };
  await Promise.all(Array.from({ length: parallelism }, lane));
  return finishTimes;
}
