import { env } from 'node:process';
import { CloudCodeError } from '../core/errors.ts';

/** How workers are started: each as a Node process of its own (`spawn`), or by forking one that has loaded what is the same for all runs (`fork`), where that works. */
export type WorkerStart = (typeof workerStarts)[number];

const workerStarts = ['spawn', 'fork'] as const;

/**
 * `CLOUDCODE_WORKER_START` decides before the configuration does: it is for a machine, on which the fork server misbehaves, say.
 * @throws CloudCodeError `wrong_usage`
 */
export function chooseWorkerStart(configured: WorkerStart = 'spawn'): WorkerStart {
  const wanted = env['CLOUDCODE_WORKER_START'] ?? '';
  if (wanted === '') return configured;
  const found = workerStarts.find((name) => name === wanted);
  if (found !== undefined) return found;
  throw new CloudCodeError('wrong_usage', `CLOUDCODE_WORKER_START is "${wanted}".`, { hint: 'Set it to spawn or fork, or leave it out.' });
}
