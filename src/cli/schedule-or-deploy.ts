import type { Backend, Sent } from '../client/backend.ts';
import { CloudCodeError } from '../engine/core/errors.ts';
import type { Replacement } from '../engine/operations/deploy-project.ts';
import type { Run } from '../engine/core/run.ts';
import type { Store } from '../engine/store/open-store.ts';
import { runs, type ScheduleBody } from '../service/api/runs.ts';
import { tasks } from '../service/api/tasks.ts';
import { describeBroken } from './describe-broken.ts';
import { escapeText } from './terminal/escape-text.ts';

/** A store that is worked on directly, and the project's folder. */
export interface Deployable {
  readonly store: Store;
  readonly folder: string;
  readonly environment: string;
  /** Whether other machines may work on it. */
  readonly isShared: boolean;
}

interface Scheduling {
  readonly deployable: Deployable | null;
  readonly tell: (line: string) => void;
  /** Gets what the build of the folder is at; null when it is done. */
  readonly onStep: (step: string | null) => void;
}

/**
 * Schedules a run. A store knows the tasks of its last deployment: when it does not know one that the folder has, because the task is new
 * nothing was deployed yet, or it was broken then, the folder is deployed as it stands. Of a task that goes on with earlier code that is told.
 */
export async function scheduleOrDeploy(
  backend: Backend,
  body: ScheduleBody,
  { deployable, tell, onStep }: Scheduling,
): Promise<Sent<Run>> {
  const scheduled = await scheduleInStore(backend, body, { deployable, tell, onStep });
  const broken = ((await backend.call(tasks.list, {})).broken ?? []).filter(({ name }) => name === body.task);
  describeBroken(broken).forEach(tell);
  return scheduled;
}

async function scheduleInStore(
  backend: Backend,
  body: ScheduleBody,
  { deployable, onStep }: Scheduling,
): Promise<Sent<Run>> {
  try {
    return await backend.send(runs.schedule, { body });
  } catch (error) {
    if (
      !(error instanceof CloudCodeError) ||
      (error.code !== 'unknown_task' && error.code !== 'task_broken') ||
      deployable === null
    )
      throw error;
    const { findProject } = await import('../project/find-project.ts');
    const { tasks: inFolder } = await findProject(deployable.folder);
    if (!inFolder.some(({ name }) => name === body.task)) throw await nearestInFolder(error, body.task, inFolder);
    const { deployFolder } = await import('../main/deploy-folder.ts');
    const { store, folder, environment, isShared } = deployable;
    const replacement = await deployFolder(store, {
      folder,
      environment,
      deploy: isShared ? 'unless_replaced' : 'always',
      onStep,
    });
    onStep(null);
    if (replacement !== null)
      throw new CloudCodeError('unknown_task', error.message, {
        hint: `The folder has it, but ${describeReplaced(environment, replacement)}. ${deployAllTheSame}`,
        cause: error,
      });
    return backend.send(runs.schedule, { body });
  }
}

/** Why a folder is not deployed, as a part of a sentence. */
export function describeReplaced(environment: string, { folder, replacedAt }: Replacement): string {
  return `${environment} has had this state of the folder before, and on ${replacedAt} ${escapeText(folder)} has replaced it`;
}

export const deployAllTheSame = 'To deploy this folder all the same: cloudcode deploy';

/** Says that a `key` found a run; null for a new one. What was asked for besides, such as another time, had no effect on that. */
export function describeFound({ answer: run, isNew }: Sent<Run>): string | null {
  if (isNew) return null;
  return `Nothing new was scheduled: run ${run.id} of ${escapeText(run.task)} with the key ${escapeText(run.key ?? '')} is unfinished. Its due time, parameters and queue are as they were.`;
}

/** A task that is only in the folder may be the one that was meant. */
async function nearestInFolder(
  error: CloudCodeError,
  task: string,
  tasks: readonly { readonly name: string }[],
): Promise<CloudCodeError> {
  const { suggest } = await import('../engine/core/suggest.ts');
  const nearest = suggest(
    task,
    tasks.map(({ name }) => name),
  );
  return nearest === null
    ? error
    : new CloudCodeError('unknown_task', error.message, { hint: `Did you mean \`${nearest}\`?`, cause: error });
}
