import type { BrokenTask } from '../core/broken-task.ts';
import type { CloudCodeError } from '../core/errors.ts';
import type { FoundTask } from './find-project.ts';
import { joinErrors } from './problems.ts';

export interface BrokenFile extends BrokenTask {
  /** Relative to the project's folder. */
  readonly file: string;
}

/** The tasks with errors, each with one for all that is wrong with it. @param errors by the task's file */
export function sortOutBroken(tasks: readonly FoundTask[], errors: ReadonlyMap<string, readonly CloudCodeError[]>): readonly BrokenFile[] {
  return tasks.flatMap(({ name, file }) => {
    const own = errors.get(file) ?? [];
    if (own.length === 0) return [];
    const { code, message, hint } = joinErrors(own);
    return [{ name, file, problem: hint === undefined ? { code, message } : { code, message, hint } }];
  });
}
