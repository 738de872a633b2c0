import { CloudCodeError } from '../../engine/core/errors.ts';
import type { FolderState } from './service.ts';

/**
 * Schedules runs of tasks, and where one is not deployed though the server's folder has them, says why that is; a folder that is watched is deployed first.
 * @throws CloudCodeError of `schedule`
 */
export async function scheduleInFolder<Result>(
  folder: FolderState | undefined,
  tasks: readonly string[],
  schedule: () => Promise<Result>,
): Promise<Result> {
  try {
    return await schedule();
  } catch (error) {
    if (!(error instanceof CloudCodeError) || (error.code !== 'unknown_task' && error.code !== 'task_broken'))
      throw error;
    if (folder === undefined || !(await hasAll(folder, tasks))) throw error;
    const { isWatched, isKept, problem } = await folder.look();
    // It may have been deployed just now.
    if (isWatched && problem === null) return schedule();
    throw new CloudCodeError(
      'unknown_task',
      `${error.message} The folder of this server has it, but ${whyNotDeployed({ isKept, problem })}`,
      { hint: hintFor({ isKept, problem }), cause: error },
    );
  }
}

async function hasAll(folder: FolderState, tasks: readonly string[]): Promise<boolean> {
  for (const task of tasks) if (!(await folder.hasTask(task))) return false;
  return true;
}

interface Stale {
  readonly isKept: boolean;
  readonly problem: { readonly detail: string } | null;
}

function whyNotDeployed({ isKept, problem }: Stale): string {
  if (problem !== null) return `could not be deployed as it stands:\n${problem.detail}`;
  return isKept
    ? 'the server has left alone what others have deployed.'
    : 'it was deployed as it was when the server started.';
}

function hintFor({ isKept, problem }: Stale): string {
  if (problem !== null)
    return 'The last good deployment goes on. Correct the mistake: it is deployed when the file is saved.';
  return isKept
    ? 'To deploy the folder all the same: cloudcode deploy'
    : 'Deploy the folder: cloudcode deploy. Or work with `cloudcode dev`, which deploys what changes.';
}
