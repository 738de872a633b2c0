import { CloudCodeError } from '../core/errors.ts';
import { isFinal, type Run } from '../core/run.ts';
import { retryFinalRun } from '../store/change-runs.ts';
import { lockQueueOfRun } from '../store/lock-queues.ts';
import type { Store } from '../store/open-store.ts';
import { violatedConstraint } from '../store/store-error.ts';
import { retryConflicts } from '../store/retry.ts';
import { refuseToChange } from './environments.ts';
import { getRun, getRunState } from './get-run.ts';

/**
 * Gives a `failed`, `dead` or `cancelled` run a new set of attempts, due now.
 * @throws CloudCodeError `run_not_found`, `run_not_final`, `run_succeeded`, `key_taken`
 */
export async function retryRun(store: Store, environment: string, runId: string): Promise<Run> {
  await retry(store, environment, runId);
  return getRun(store, environment, runId);
}

/** The same, without looking at the run afterwards. */
export async function retry(store: Store, environment: string, runId: string): Promise<void> {
  // Another may have retried it between the look and the write: then it is looked at again.
  for (;;) {
    const state = await getRunState(store, environment, runId);
    if (state === 'succeeded')
      throw new CloudCodeError('run_succeeded', `Run ${runId} succeeded; its answer is final.`, {
        hint: 'Schedule a new run of the task.',
      });
    if (!isFinal(state))
      throw new CloudCodeError(
        'run_not_final',
        `Run ${runId} is ${state}; only a failed, dead or cancelled run can be retried.`,
      );
    await refuseToChange(store, environment);
    if (await retryFinal(store, runId)) {
      store.notify();
      store.onEvent({ kind: 'run_retried', environment, runId });
      return;
    }
  }
}

function retryFinal(store: Store, runId: string): Promise<boolean> {
  return retryConflicts(() =>
    store.transaction(async (db) => {
      await lockQueueOfRun(db, runId);
      return retryFinalRun(db, runId);
    }),
  ).catch((error: unknown) => {
    if (violatedConstraint(error) !== 'runs_one_of_key') throw error;
    throw new CloudCodeError(
      'key_taken',
      `Run ${runId} cannot be retried now: another run of its task with its key is unfinished.`,
      {
        hint: 'Wait for that run, or cancel it.',
        cause: error,
      },
    );
  });
}
