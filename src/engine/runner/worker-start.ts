import { env } from 'node:process';
import { CloudCodeError } from '../core/errors.ts';
import { type WorkerStart, workerStarts } from '../core/task-config.ts';

/**
 * `CLOUDCODE_WORKER_START` decides before the configuration does: it is for a machine, on which the fork server misbehaves, say.
 * @throws CloudCodeError `wrong_usage`
 */
export function chooseWorkerStart(configured: WorkerStart = 'spawn'): WorkerStart {
  const wanted = env['CLOUDCODE_WORKER_START'] ?? '';
  if (wanted === '') return configured;
  const found = workerStarts.find((name) => name === wanted);
  if (found !== undefined) return found;
  throw new CloudCodeError('wrong_usage', `CLOUDCODE_WORKER_START is "${wanted}".`, {
    hint: 'Set it to spawn or fork, or leave it out.',
  });
}
