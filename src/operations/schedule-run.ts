import { v7 as newRunId } from 'uuid';
import { CloudCodeError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import { parseScheduleRequest, type ScheduleRequest } from '../core/schedule-request.ts';
import { suggest } from '../core/suggest.ts';
import { readTasks } from '../store/deployments.ts';
import { holdsRun, insertRun, insertRunByAttempt } from '../store/insert-run.ts';
import { type Queryable, type Store, violatedConstraint } from '../store/open-store.ts';
import { readRun } from '../store/read-runs.ts';

/**
 * Schedules one run, asked for from outside a task. When it resolves the run is durable.
 * @throws CloudCodeError for everything design.md section 7 refuses
 */
export async function scheduleRun(store: Store, environment: string, options: unknown): Promise<Run> {
  const request = parseScheduleRequest(options, new Date());
  const id = newRunId();
  const inserted = await insertRun(store, environment, { ...request, id });
  if (!inserted) throw await unknownTask(store, environment, request.task);
  const run = await readRun(store, environment, id);
  if (run === null) throw new Error(`run ${id} was not there after it was scheduled`);
  return run;
}

export interface CallingAttempt {
  readonly runId: string;
  readonly fence: string;
  readonly environment: string;
}

/**
 * Schedules one run on behalf of an attempt, in its environment. `id` is the new run's, so that asking again adds nothing.
 * @throws CloudCodeError `unknown_task`, or `attempt_superseded` when another attempt has taken over
 */
export async function scheduleRunByAttempt(store: Store, caller: CallingAttempt, run: ScheduleRequest & { readonly id: string }): Promise<void> {
  const inserted = await insertRunByAttempt(store, caller, run).catch((error: unknown) => {
    // An earlier try of this very call was committed, though its answer was lost.
    if (violatedConstraint(error) === 'runs_pkey') return true;
    throw error;
  });
  if (inserted) return;
  if (!(await holdsRun(store, caller))) {
    throw new CloudCodeError('attempt_superseded', `Run ${caller.runId} was taken over by another attempt; this one can schedule nothing more.`);
  }
  throw await unknownTask(store, caller.environment, run.task);
}

async function unknownTask(db: Queryable, environment: string, task: string): Promise<CloudCodeError> {
  const names = (await readTasks(db, environment)).map((each) => each.name);
  const nearest = suggest(task, names);
  return new CloudCodeError('unknown_task', `There is no task \`${task}\` in the environment \`${environment}\`.`, {
    hint: nearest === null ? listTasks(names) : `Did you mean \`${nearest}\`?`,
  });
}

function listTasks(names: readonly string[]): string {
  if (names.length === 0) return 'No tasks are deployed there yet.';
  const shown = names.slice(0, 10).join(', ');
  return `Its tasks are: ${shown}${names.length > 10 ? ', …' : ''}.`;
}
