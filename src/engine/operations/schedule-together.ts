import type { CloudCodeError } from '../core/errors.ts';
import type { ScheduledRun, ScheduleRequest } from '../core/schedule-request.ts';
import { newId as newRunId } from '../protocol/new-id.ts';
import { insertKeyedRun, insertRun } from '../store/insert-run.ts';
import { lockForRunsFromOutside } from '../store/lock-queues.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import { tellScheduled, unknownTask } from './schedule-run.ts';

export interface ScheduledTogether {
  readonly id: string;
  readonly task: string;
  /** False: its `key` found one that was there. */
  readonly isNew: boolean;
}

/**
 * Schedules runs in the caller's transaction, which a refusal rolls back, asked for from outside a task. Once that is committed the caller tells with tellTogether.
 * @param refusalOf makes the error of the request at an index into the caller's
 * @returns in the order of the requests @throws CloudCodeError `unknown_task`, `task_broken`
 */
export async function scheduleTogether(
  db: Queryable,
  environment: string,
  requests: readonly ScheduleRequest[],
  refusalOf: (error: CloudCodeError, index: number) => CloudCodeError = (error) => error,
): Promise<readonly ScheduledTogether[]> {
  const runs = requests.map((request) => ({ ...request, id: newRunId() }));
  const found = new Map<string, string | null>();
  // Each is asked for without waiting for the one before.
  const locked = runs.length > 1 ? lockForRunsFromOutside(db, environment, runs) : null;
  await Promise.all([locked, ...runs.map(async (run) => void found.set(run.id, await insert(db, environment, run)))]);
  const unknown = runs.findIndex(({ id }) => found.get(id) === null);
  const { task } = runs[unknown] ?? {};
  if (task !== undefined) throw refusalOf(await unknownTask(db, environment, task), unknown);
  return runs.map(({ id: own, task }) => {
    const id = found.get(own) ?? own;
    return { id, task, isNew: id === own };
  });
}

/** Wakes the runners, and tells what was scheduled: after the commit. */
export function tellTogether(store: Store, environment: string, scheduled: readonly ScheduledTogether[]): void {
  const added = scheduled.filter(({ isNew }) => isNew);
  if (added.length > 0) store.notify();
  tellScheduled(store, { environment, runId: null }, added);
}

/** @returns the id of the run, or of another that has its key; null when there is no such task */
async function insert(db: Queryable, environment: string, run: ScheduledRun): Promise<string | null> {
  if (run.key !== null) return insertKeyedRun(db, environment, run);
  return (await insertRun(db, environment, run)) === null ? null : run.id;
}
