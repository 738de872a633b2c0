import { v7 as newRunId } from 'uuid';
import { CloudCodeError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import { parseScheduleRequest } from '../core/schedule-request.ts';
import { suggest } from '../core/suggest.ts';
import type { ScheduledRun } from '../protocol/data-messages.ts';
import { readTasks } from '../store/deployments.ts';
import { type Caller, insertKeyedRun, insertKeyedRunByAttempt, insertRun, insertRunsByAttempt } from '../store/insert-run.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import { retryWhileAway } from '../store/retry-while-away.ts';
import { violatedConstraint } from '../store/store-error.ts';
import { readRun } from '../store/read-runs.ts';

/** How long a call from outside waits for a database that is away, and asks it what became of a call whose answer was lost. */
const outsidePatienceMs = 2_000;

/**
 * Schedules one run, asked for from outside a task. When it resolves the run is durable.
 * @throws CloudCodeError for everything design.md section 7 refuses
 */
export async function scheduleRun(store: Store, environment: string, options: unknown): Promise<Run> {
  return (await findOrScheduleRun(store, environment, options)).run;
}

/** As scheduleRun; says besides whether the run is new: with a `key` it may be one that was there. */
export async function findOrScheduleRun(store: Store, environment: string, options: unknown): Promise<ScheduledNow> {
  const request = { ...parseScheduleRequest(options, new Date()), id: newRunId() };
  const schedule = (): Promise<ScheduledNow | null> => (request.key === null ? addRun(store, environment, request) : findOrAddRun(store, environment, request));
  const scheduled = await retryWhileAway(schedule, { ms: outsidePatienceMs });
  if (scheduled === null) throw await unknownTask(store, environment, request.task);
  if (scheduled.isNew) store.ring();
  return scheduled;
}

interface ScheduledNow {
  readonly run: Run;
  readonly isNew: boolean;
}

/** One statement: what was asked for is known, and the database tells the rest. */
async function addRun(store: Store, environment: string, request: ScheduledRun): Promise<ScheduledNow | null> {
  const inserted = await insertRun(store, environment, request).catch((error: unknown) => {
    if (isEarlierTry(error)) return readAdded(store, environment, request.id);
    throw error;
  });
  if (inserted === null) return null;
  const { id, task, parametersJson, queue, key } = request;
  const { state, createdAt, dueAt, maxAttempts } = inserted;
  const run: Run = {
    id, environment, task, parameters: JSON.parse(parametersJson) as unknown, queue, key, state, createdAt, dueAt,
    retryAt: null, startedAt: null, finishedAt: null, scheduledBy: null, result: null, error: null, maxAttempts, attempts: [],
  };
  return { run, isNew: true };
}

async function findOrAddRun(store: Store, environment: string, request: ScheduledRun): Promise<ScheduledNow | null> {
  const id = await insertKeyedRun(store, environment, request);
  if (id === null) return null;
  return { run: await readAdded(store, environment, id), isNew: id === request.id };
}

async function readAdded(store: Store, environment: string, id: string): Promise<Run> {
  const run = await readRun(store, environment, id);
  if (run === null) throw new Error(`run ${id} was not there after it was scheduled`);
  return run;
}

/** An earlier try of this very call was committed, though its answer was lost. */
function isEarlierTry(error: unknown): boolean {
  return violatedConstraint(error) === 'runs_pkey';
}

export interface CallingAttempt extends Caller {
  readonly environment: string;
}

/** As scheduleRunsByAttempt, for one run by itself. */
export async function scheduleRunByAttempt(store: Store, caller: CallingAttempt, run: ScheduledRun): Promise<string> {
  const [id = run.id] = await scheduleRunsByAttempt(store, caller, [run]);
  store.ring();
  return id;
}

/**
 * Schedules runs on behalf of an attempt, in its environment and in their order. Their ids are the caller's, so that asking again for one adds
 * nothing. Several have to be in a transaction, which a refusal rolls back. The caller rings when that is committed.
 * @returns their ids, or those of other runs where a `key` found one
 * @throws CloudCodeError `unknown_task`, `attempt_superseded`
 */
export async function scheduleRunsByAttempt(db: Queryable, caller: CallingAttempt, runs: readonly ScheduledRun[]): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let first = 0; first < runs.length; ) {
    const end = endOfGroup(runs, first);
    const group = runs.slice(first, end);
    ids.push(...(group.every((run) => run.key === null) ? await addUnkeyed(db, caller, group) : await addKeyed(db, caller, group)));
    first = end;
  }
  return ids;
}

/** Runs without keys go together as far as they follow each other; one with a key goes by itself. */
function endOfGroup(runs: readonly ScheduledRun[], first: number): number {
  if (runs[first]?.key !== null) return first + 1;
  const next = runs.findIndex((run, index) => index > first && run.key !== null);
  return next === -1 ? runs.length : next;
}

async function addUnkeyed(db: Queryable, caller: CallingAttempt, runs: readonly ScheduledRun[]): Promise<readonly string[]> {
  const { unknownTask: unknown } = await insertRunsByAttempt(db, caller, runs).catch((error: unknown) => {
    if (runs.length === 1 && isEarlierTry(error)) return { unknownTask: null };
    throw error;
  });
  if (unknown !== null) throw await unknownTask(db, caller.environment, unknown);
  return runs.map((run) => run.id);
}

async function addKeyed(db: Queryable, caller: CallingAttempt, runs: readonly ScheduledRun[]): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const run of runs) {
    const id = await insertKeyedRunByAttempt(db, caller, run);
    if (id === null) throw await unknownTask(db, caller.environment, run.task);
    ids.push(id);
  }
  return ids;
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
