import type { BrokenTask } from '../engine/core/broken-task.ts';
import type { CloudCodeError } from '../engine/core/errors.ts';
import type { FoundTask } from './find-project.ts';
import { distinctErrors, joinErrors } from './problems.ts';

export interface BrokenFile extends BrokenTask {
  /** Relative to the project's folder. */
  readonly file: string;
}

/** The tasks with errors, each with one for all that is wrong with it; two files of one name are one. @param errors by the task's file */
export function sortOutBroken(
  tasks: readonly FoundTask[],
  errors: ReadonlyMap<string, readonly CloudCodeError[]>,
): readonly BrokenFile[] {
  const byName = Map.groupBy(
    tasks.filter(({ file }) => (errors.get(file) ?? []).length > 0),
    ({ name }) => name,
  );
  return [...byName].map(([name, files]) => {
    const { code, message, hint } = joinErrors(distinctErrors(files.flatMap(({ file }) => errors.get(file) ?? [])));
    return {
      name,
      file: files[0]?.file ?? '',
      problem: hint === undefined ? { code, message } : { code, message, hint },
    };
  });
}
