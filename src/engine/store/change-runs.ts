import type { Queryable } from './open-store.ts';

/** Cancels a run that waits. @returns false when it does not wait (any more) */
export async function cancelWaitingRun(db: Queryable, runId: string): Promise<boolean> {
  const [row] = await db.query<{ cancelled: boolean }>({
    name: 'cancel_waiting_run',
    text: 'select cloudcode.cancel_waiting_run($1) as cancelled',
    values: [runId],
  });
  return row?.cancelled === true;
}

/** Asks the runner of a running run to end it. @returns false when it does not run (any more) */
export async function requestCancel(db: Queryable, runId: string): Promise<boolean> {
  const rows = await db.query({
    name: 'request_cancel',
    text: `
      with asked as (
        update cloudcode.runs set cancel_requested_at = coalesce(cancel_requested_at, now())
        where id = $1 and state = 'running' returning id, runner_id
      )
      select id, pg_notify('cloudcode', 'cancel ' || runner_id || ' ' || id) from asked`,
    values: [runId],
  });
  return rows.length > 0;
}

/** Gives a run that is finished without success a new set of attempts, due now. @returns false when it is not such a run (any more) */
export async function retryFinalRun(db: Queryable, runId: string): Promise<boolean> {
  const [row] = await db.query<{ retried: boolean }>({
    name: 'retry_final_run',
    text: 'select cloudcode.retry_final_run($1) as retried',
    values: [runId],
  });
  return row?.retried === true;
}
