import type { Queryable } from './open-store.ts';

/** A difference between the runs and the tables that are derived from them (`ready`, `backlog`, `claims`, `endings`, `listed`). */
export interface WrongRow {
  readonly problem: string;
  readonly environmentId: number;
  readonly queue: string | null;
  /** Null: it is about the queue, or about more than one run. */
  readonly runId: string | null;
}

/** All runs are read. */
const limitMs = 600_000;

/** Every difference; none in a store that is right. Took 2.6 s for 600,000 runs, half of them waiting. */
export function checkStore(db: Queryable): Promise<readonly WrongRow[]> {
  return db.query<WrongRow>({
    name: 'check_store',
    text: 'select problem, environment_id as "environmentId", queue, run_id as "runId" from cloudcode.check_store()',
    limitMs,
  });
}

/** Mends one difference, if it is still there, while others work. */
export async function mendStore(db: Queryable, { problem, environmentId, queue, runId }: WrongRow): Promise<void> {
  await db.query({
    name: 'mend_store',
    text: 'select cloudcode.mend_store($1, $2, $3, $4)',
    values: [problem, environmentId, queue, runId],
  });
}

/** Fronts of queues of which a run is running: a claim of one is refused, and with it all others of that claim. */
export function readWrongFronts(db: Queryable): Promise<readonly WrongRow[]> {
  return db.query<WrongRow>({
    name: 'read_wrong_fronts',
    text: `
      select 'a front of a queue of which a run is running' as problem, y.environment_id as "environmentId", y.queue, null as "runId" from cloudcode.ready y
      where y.queue is not null and exists (select from cloudcode.runs r where r.environment_id = y.environment_id and r.running_queue = y.queue)`,
  });
}

/** What was begun and not done: the next who looks does it. */
export async function giveTurnBack(db: Queryable): Promise<void> {
  await db.query({
    name: 'give_turn_back',
    text: "update cloudcode.store_checks set checked_at = now() - interval '1 hour'",
  });
}

/** Ends the statement that a session is at. */
export async function cancelStatement(db: Queryable, backendPid: number): Promise<void> {
  await db.query({ name: 'cancel_statement', text: 'select pg_cancel_backend($1)', values: [backendPid] });
}

/** One of those who look at the store by the hour does it now. False: another does, or did in the last hour. */
export async function takeTurnToCheck(db: Queryable): Promise<boolean> {
  const rows = await db.query({
    name: 'take_turn_to_check',
    text: `update cloudcode.store_checks set checked_at = now() where checked_at <= now() - interval '59 minutes' returning checked_at`,
  });
  return rows.length > 0;
}
