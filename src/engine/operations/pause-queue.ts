import type { Queue } from '../core/run.ts';
import { parseQueue } from '../core/schedule-request.ts';
import type { Store } from '../store/open-store.ts';
import { readQueues, setQueuePaused } from '../store/queues.ts';
import { findEnvironment, refuseToChange } from './environments.ts';

/** No run of a paused queue starts; one that runs goes on. A queue may be paused before it has runs. @throws CloudCodeError `invalid_queue` */
export function pauseQueue(store: Store, environment: string, name: string): Promise<Queue> {
  return changePause(store, environment, { name, paused: true });
}

/** @throws CloudCodeError `invalid_queue` */
export function resumeQueue(store: Store, environment: string, name: string): Promise<Queue> {
  return changePause(store, environment, { name, paused: false });
}

async function changePause(
  store: Store,
  environment: string,
  queue: { readonly name: string; readonly paused: boolean },
): Promise<Queue> {
  const name = parseQueue(queue.name);
  await refuseToChange(store, environment);
  const environmentId = await findEnvironment(store, environment);
  await setQueuePaused(store, { environmentId, name, paused: queue.paused });
  if (!queue.paused) store.notify();
  store.onEvent({ kind: queue.paused ? 'queue_paused' : 'queue_resumed', environment, queue: name });
  const [found] = await readQueues(store, environmentId, name);
  if (found === undefined)
    throw new Error(`queue ${name} was not there after it was ${queue.paused ? 'paused' : 'resumed'}`);
  return found;
}
