import { CloudCodeError } from '../core/errors.ts';
import { isFinal, type Run } from '../core/run.ts';
import { cancelWaitingRun, lockQueueOfRun, requestCancel } from '../store/change-runs.ts';
import type { Store } from '../store/open-store.ts';
import { retryConflicts } from '../store/retry-conflicts.ts';
import { getRun } from './get-run.ts';

/**
 * Ends a waiting run at once; asks the runner of a running one to kill it, which the run shows when its processes are gone.
 * @throws CloudCodeError `run_not_found`; `run_already_final` when the run is over
 */
export async function cancelRun(store: Store, environment: string, runId: string): Promise<Run> {
  const run = await getRun(store, environment, runId);
  if (!isFinal(run.state)) {
    const done = await retryConflicts(() => store.transaction(async (db) => {
      await lockQueueOfRun(db, runId);
      return (await cancelWaitingRun(db, runId)) || (await requestCancel(db, runId));
    }));
    if (done) {
      // The next of its queue may be at the front now.
      store.ring();
      return getRun(store, environment, runId);
    }
  }
  const now = await getRun(store, environment, runId);
  throw new CloudCodeError('run_already_final', `Run ${runId} is over already: it is ${now.state}.`);
}
