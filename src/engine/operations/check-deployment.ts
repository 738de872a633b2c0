import { setTimeout as sleep } from 'node:timers/promises';
import { counted } from '../core/counted.ts';
import { CloudCodeError } from '../core/errors.ts';
import {
  type CheckProblem,
  type CheckState,
  deleteCheck,
  insertCheck,
  readCheck,
  tellChecks,
} from '../store/deployment-checks.ts';
import { holdBundles, insertExtensionState } from '../store/deployments.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import { hasRunners } from '../store/runners.ts';
import { type DeploymentState, placeOf } from './deployment-state.ts';
import { lockToChange } from './environments.ts';
import type { OnProgress } from './extension.ts';
import { ContentsGone, partsMissing, referToContents } from './keep-contents.ts';
import { retryConflicts } from '../store/retry.ts';

/** Whether a deployment was checked before it was made. */
export interface DeploymentCheck {
  /** The runner that has loaded each task; null where none has. */
  readonly runner: string | null;
  /** Why it was not checked; null where it was. */
  readonly why: string | null;
  /** Tasks that use `DB` or `CloudCode` while they load: how they go on then was not checked. */
  readonly unchecked: readonly string[];
}

const askEveryMs = 100;
const tellEveryMs = 1_000;
/** A runner that listens has begun by then, unless all are busy with other checks. */
const beginWithinMs = 10_000;
/** A task is given up by its runner after 30 s; so does one whose runner has died. */
const goOnWithinMs = 45_000;

/**
 * Has a runner load each task of a deployment to come, in a worker of its own in which nothing can be asked for. Its parts must be in the store.
 * @throws CloudCodeError `check_failed` with what the tasks threw, `parts_missing`, `environment_deleting`
 */
export async function checkDeployment(
  store: Store,
  state: DeploymentState,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: OnProgress },
): Promise<DeploymentCheck> {
  const place = placeOf(state.contents);
  if (place === null || state.tasks.length === 0) return notChecked('no task is new');
  if (!(await hasRunners(store))) return notChecked('no runner is there');
  const id = await insert(store, state);
  try {
    const found = await answerTo(store, id, { total: state.tasks.length, signal, onProgress });
    if (typeof found === 'string') return notChecked(found);
    const { problems, runnerId: runner, unchecked } = found;
    if (problems !== null && problems.length > 0) throw failed(problems);
    return { runner, why: null, unchecked };
  } finally {
    await deleteCheck(store, id).catch(() => undefined);
  }
}

function notChecked(why: string): DeploymentCheck {
  return { runner: null, why, unchecked: [] };
}

async function insert(store: Store, state: DeploymentState): Promise<string> {
  try {
    return await retryConflicts(() => store.transaction((db) => insertIn(db, state)));
  } catch (error) {
    throw error instanceof ContentsGone ? partsMissing(['all packages and files']) : error;
  }
}

async function insertIn(db: Queryable, state: DeploymentState): Promise<string> {
  const { id: environmentId } = await lockToChange(db, state.environment);
  const known = await holdBundles(
    db,
    state.tasks.map(({ hash }) => hash),
  );
  const lacking = state.tasks.filter(({ hash }) => !known.has(hash));
  if (lacking.length > 0) throw partsMissing(lacking.map(({ name }) => `the code of ${name}`));
  if (state.added !== null) await insertExtensionState(db, state.added);
  if (state.contents !== null) await referToContents(db, state.contents);
  return insertCheck(db, {
    environmentId,
    tasks: state.tasks.map(({ name, hash, bundle, file = null, external = null, config }) => ({
      name,
      bundleHash: hash,
      bundleFormat: bundle.format,
      file,
      external,
      memoryMb: config.memoryMb,
      workerStart: config.workerStart ?? null,
    })),
    variables: state.settings.variables,
    stateHash: state.added?.hash ?? null,
    place: placeOf(state.contents) ?? { treeHash: null, filesHash: null, projectPath: '' },
  });
}

/** @returns why there is none, in words */
async function answerTo(
  store: Store,
  id: string,
  {
    total,
    signal,
    onProgress,
  }: { readonly total: number; readonly signal: AbortSignal; readonly onProgress: OnProgress },
): Promise<CheckState | string> {
  let tellAt = 0;
  for (;;) {
    const state = await readCheck(store, id);
    if (state === null) return 'the check was given up';
    if (state.problems !== null) return state;
    if (state.runnerId === null) {
      if (state.idleMs > beginWithinMs) return `no runner began with it within ${beginWithinMs / 1_000} s`;
      if (performance.now() >= tellAt) {
        await tellChecks(store);
        tellAt = performance.now() + tellEveryMs;
      }
    } else if (state.idleMs > goOnWithinMs) return `runner ${state.runnerId}, which was at it, did not go on`;
    onProgress(`checking: ${state.done} of ${counted(total, 'task')} can be loaded`);
    if (signal.aborted) return 'it was given up';
    await sleep(askEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

function failed(problems: readonly CheckProblem[]): CloudCodeError {
  const lines = problems.map(({ task, message }) => `${task}: ${message}`);
  return new CloudCodeError(
    'check_failed',
    `${counted(problems.length, 'task')} cannot be loaded where the runs are executed. Nothing was deployed.\n${lines.join('\n')}`,
    { hint: 'Each was loaded by a runner, in a process as a run has it, with the variables of the environment.' },
  );
}
