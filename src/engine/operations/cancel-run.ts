import { CloudCodeError } from '../core/errors.ts';
import { isFinal, type Run } from '../core/run.ts';
import { cancelWaitingRun, requestCancel } from '../store/change-runs.ts';
import { lockQueueOfRun } from '../store/lock-queues.ts';
import type { Store } from '../store/open-store.ts';
import { retryConflicts } from '../store/retry.ts';
import { getRun, getRunState } from './get-run.ts';

/**
 * Ends a waiting run at once; asks the runner of a running one to kill it, which the run shows when its processes are gone.
 * @throws CloudCodeError `run_not_found`; `run_already_final` when the run is finished
 */
export async function cancelRun(store: Store, environment: string, runId: string): Promise<Run> {
  await cancel(store, environment, runId);
  return getRun(store, environment, runId);
}

/** The same, without looking at the run afterwards. */
export async function cancel(store: Store, environment: string, runId: string): Promise<void> {
  // Between two looks a run may have begun or ended an attempt. It does not for ever: each attempt is counted.
  for (;;) {
    const state = await getRunState(store, environment, runId);
    if (isFinal(state))
      throw new CloudCodeError('run_already_final', `Run ${runId} is already finished: it is ${state}.`);
    if (await (state === 'running' ? requestCancel(store, runId) : cancelWaiting(store, runId))) {
      // The next of its queue may be at the front now.
      store.notify();
      store.onEvent({ kind: state === 'running' ? 'cancel_requested' : 'run_cancelled', environment, runId });
      return;
    }
  }
}

function cancelWaiting(store: Store, runId: string): Promise<boolean> {
  return retryConflicts(() =>
    store.transaction(async (db) => {
      await lockQueueOfRun(db, runId);
      return cancelWaitingRun(db, runId);
    }),
  );
}
