import { CloudCodeError } from '../core/errors.ts';
import type { Run } from '../core/run.ts';
import { parseScheduleRequest, type ScheduledRun, type ScheduleRequest } from '../core/schedule-request.ts';
import { suggest } from '../core/suggest.ts';
import { newId as newRunId } from '../protocol/new-id.ts';
import { readBrokenTasks } from '../store/broken-tasks.ts';
import { readTasks } from '../store/deployments.ts';
import {
  type Caller,
  insertKeyedRun,
  insertKeyedRunByAttempt,
  insertRun,
  insertRunsByAttempt,
} from '../store/insert-run.ts';
import { lockForRuns } from '../store/lock-queues.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import { retryWhileAway } from '../store/retry.ts';
import { refuseToChange } from './environments.ts';
import { isUnreachable, violatedConstraint } from '../store/store-error.ts';
import { readRunText } from '../store/read-runs.ts';

/** How long a call from outside waits for a database that is away, and asks it what became of a call whose answer was lost. */
const outsidePatienceMs = 2_000;

/** What adds runs. It asks for all its statements before it first waits. */
type Add<Result> = (db: Queryable) => Promise<Result>;

/** Carries `add` out, and claims runs in the same transaction: one write to disk for both. Says which were claimed. Rejects, and has done nothing, where a lock is not to be had at once. */
export type ClaimOnInsert = <Result>(
  store: Store,
  add: Add<Result>,
) => Promise<{ readonly result: Result; readonly claimed: readonly string[] }>;

/** Whoever claims runs in the process that schedules them. */
export interface Claiming {
  /** Null without a free slot. */
  claimOnInsert(): ClaimOnInsert | null;
}

/**
 * Schedules one run, asked for from outside a task. When it resolves the run is durable.
 * @param claiming the runner of this process, where there is one
 * @throws CloudCodeError for everything design.md section 7 refuses
 */
export async function scheduleRun(
  store: Store,
  environment: string,
  options: unknown,
  claiming: Claiming | null = null,
): Promise<Run> {
  return (await findOrScheduleRun(store, environment, options, claiming)).run;
}

/** As scheduleRun; says besides whether the run is new: with a `key` it may be one that was there. */
export async function findOrScheduleRun(
  store: Store,
  environment: string,
  options: unknown,
  claiming: Claiming | null = null,
): Promise<{ readonly run: Run; readonly isNew: boolean }> {
  const checked = parseScheduleRequest(options, new Date());
  const { text, isNew } = await findOrScheduleChecked(store, environment, checked, claiming);
  return { run: JSON.parse(text) as Run, isNew };
}

/** As findOrScheduleRun, for a request that is checked; the run as JSON text, which costs little however large its parameters are. */
export async function findOrScheduleChecked(
  store: Store,
  environment: string,
  checked: ScheduleRequest,
  claiming: Claiming | null,
): Promise<ScheduledNow> {
  const request = { ...checked, id: newRunId() };
  const schedule = (isRepeated: boolean): Promise<ScheduledNow | null> => {
    const addition = { run: request, mayBeClaimed: !isRepeated, claiming };
    return request.key === null ? addRun(store, environment, addition) : findOrAddRun(store, environment, addition);
  };
  const scheduled = await retryWhileAway(schedule, { ms: outsidePatienceMs });
  if (scheduled === null) throw await unknownTask(store, environment, request.task);
  if (scheduled.isNew) tellScheduled(store, { environment, runId: null }, [request]);
  return scheduled;
}

interface ScheduledNow {
  readonly id: string;
  readonly text: string;
  readonly isNew: boolean;
}

/** One statement: what was asked for is known, and the database tells the rest. */
async function addRun(store: Store, environment: string, addition: Addition): Promise<ScheduledNow | null> {
  const { id, task, parametersJson, queue, key } = addition.run;
  const { result: inserted, isClaimed } = await add(store, addition, (db) =>
    insertRun(db, environment, addition.run),
  ).catch((error: unknown) => {
    if (isEarlierTry(error)) return { result: 'earlier' as const, isClaimed: false };
    throw error;
  });
  if (inserted === null) return null;
  if (!isClaimed) store.notify();
  if (inserted === 'earlier') return { id, text: await readAdded(store, environment, id), isNew: true };
  const { state, createdAt, dueAt, maxAttempts } = inserted;
  const before = { id, environment, task } satisfies Partial<Run>;
  const after: Omit<Run, keyof typeof before | 'parameters'> = {
    queue,
    key,
    state,
    createdAt,
    dueAt,
    retryAt: null,
    startedAt: null,
    finishedAt: null,
    scheduledBy: null,
    result: null,
    error: null,
    fingerprint: null,
    maxAttempts,
    attempts: [],
  };
  return {
    id,
    text: `${JSON.stringify(before).slice(0, -1)},"parameters":${parametersJson},${JSON.stringify(after).slice(1)}`,
    isNew: true,
  };
}

async function findOrAddRun(store: Store, environment: string, addition: Addition): Promise<ScheduledNow | null> {
  const { result: id, isClaimed } = await add(store, addition, (db) => insertKeyedRun(db, environment, addition.run));
  if (id === null) return null;
  const isNew = id === addition.run.id;
  if (isNew && !isClaimed) store.notify();
  return { id, text: await readAdded(store, environment, id), isNew };
}

interface Addition {
  readonly run: ScheduledRun;
  /** False where it must wait in any case, or where an earlier try may have been committed: a claim that went with it would be lost. */
  readonly mayBeClaimed: boolean;
  readonly claiming?: Claiming | null;
}

/** Adds a run by one statement. One that is due at once is claimed in the same transaction, where a runner of this process has a free slot and nobody is in the way. */
async function add<Result>(
  store: Store,
  { run, mayBeClaimed, claiming = null }: Addition,
  statement: Add<Result>,
): Promise<{ readonly result: Result; readonly isClaimed: boolean }> {
  const isDue = run.at === null && run.afterMs === null;
  const claimOnInsert = mayBeClaimed && isDue ? claiming?.claimOnInsert() : null;
  const both = await claimOnInsert?.(store, statement).catch((error: unknown) => {
    // Nothing was done. By itself it goes through, or is refused for a reason of its own.
    if (!isUnreachable(error)) return undefined;
    throw error;
  });
  if (both === undefined) return { result: await statement(store), isClaimed: false };
  return { result: both.result, isClaimed: both.claimed.includes(run.id) };
}

async function readAdded(store: Store, environment: string, id: string): Promise<string> {
  const run = await readRunText(store, environment, id);
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

/** As scheduleRunsByAttempt, for one run by itself, and notifies. */
export async function scheduleRunByAttempt(store: Store, caller: CallingAttempt, addition: Addition): Promise<string> {
  const { result: added, isClaimed } = await add(store, addition, (db) => addGroup(db, caller, [addition.run]));
  const [id = addition.run.id] = await idsOf(store, caller, added);
  if (!isClaimed) store.notify();
  if (id === addition.run.id) tellScheduled(store, caller, [addition.run]);
  return id;
}

/** What was added and is committed; a run that a `key` found is not. */
export function tellScheduled(
  store: Store,
  { environment, runId }: { readonly environment: string; readonly runId: string | null },
  added: readonly Pick<ScheduledRun, 'id' | 'task'>[],
): void {
  if (added.length === 0) return;
  const runs = added.map(({ id, task }) => ({ id, task }));
  store.onEvent({ kind: 'runs_scheduled', environment, runs, scheduledBy: runId });
}

/**
 * Schedules runs on behalf of an attempt, in its environment and in their order. Their ids are the caller's, so that asking again for one adds
 * nothing. Several have to be in a transaction, which a refusal rolls back. The caller notifies when that is committed.
 * @returns their ids, or those of other runs where a `key` found one
 * @throws CloudCodeError `unknown_task`, `attempt_superseded`
 */
export async function scheduleRunsByAttempt(
  db: Queryable,
  caller: CallingAttempt,
  runs: readonly ScheduledRun[],
): Promise<readonly string[]> {
  const ids: string[] = [];
  if (endOfGroup(runs, 0) < runs.length) await lockForRuns(db, caller, runs);
  for (let first = 0; first < runs.length;) {
    const end = endOfGroup(runs, first);
    ids.push(...(await idsOf(db, caller, await addGroup(db, caller, runs.slice(first, end)))));
    first = end;
  }
  return ids;
}

const maxOfGroup = 1_000;

/** Runs without keys go together as far as they follow each other, up to a number; one with a key goes by itself. */
function endOfGroup(runs: readonly ScheduledRun[], first: number): number {
  if (runs[first]?.key !== null) return first + 1;
  let end = first;
  while (end < runs.length && end < first + maxOfGroup && runs[end]?.key === null) end += 1;
  return end;
}

interface Added {
  readonly ids: readonly string[];
  /** A task that is not there: nothing was added then. */
  readonly unknownTask: string | null;
}

/** By one statement, which it asks for before it first waits. */
async function addGroup(db: Queryable, caller: CallingAttempt, group: readonly ScheduledRun[]): Promise<Added> {
  const [first] = group;
  if (first !== undefined && first.key !== null) {
    const id = await insertKeyedRunByAttempt(db, caller, first);
    return id === null ? { ids: [], unknownTask: first.task } : { ids: [id], unknownTask: null };
  }
  const { unknownTask: unknown } = await insertRunsByAttempt(db, caller, group).catch((error: unknown) => {
    if (group.length === 1 && isEarlierTry(error)) return { unknownTask: null };
    throw error;
  });
  return { ids: group.map((run) => run.id), unknownTask: unknown };
}

async function idsOf(
  db: Queryable,
  caller: CallingAttempt,
  { ids, unknownTask: unknown }: Added,
): Promise<readonly string[]> {
  if (unknown !== null) throw await unknownTask(db, caller.environment, unknown);
  return ids;
}

/** Why no run of a task can be scheduled. @throws CloudCodeError `environment_not_found`, `environment_deleting` */
export async function unknownTask(db: Queryable, environment: string, task: string): Promise<CloudCodeError> {
  await refuseToChange(db, environment);
  const broken = (await readBrokenTasks(db, environment)).find(({ name }) => name === task);
  if (broken !== undefined)
    return new CloudCodeError(
      'task_broken',
      `The task \`${task}\` cannot be run in the environment \`${environment}\`: it has no code there that is good.\n${broken.problem.message}`,
      { hint: broken.problem.hint },
    );
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
