import { changesBetween, lookAtProject, nothingSeen, rebase } from './look-at-project.ts';
import { placesOf } from './watched-places.ts';

/** A build that something may have changed since: the files that it read or looked for, absolute, and when it began, in milliseconds since 1970. */
export interface BuildSeen {
  readonly read: readonly string[];
  readonly beganAtMs: number;
}

/** The clock of a file system may be behind by so much. */
export const clockMs = 20;

/** @returns gives the files that have changed since the build began, relative to the folder */
export async function rememberProject(
  folder: string,
  { read, beganAtMs }: BuildSeen,
): Promise<() => Promise<readonly string[]>> {
  const places = await placesOf(folder, read);
  const before = rebase(folder, places, {
    before: nothingSeen,
    now: await lookAtProject(folder, places),
    sinceMs: beganAtMs - clockMs,
  });
  return async () => changesBetween(folder, before, await lookAtProject(folder, places));
}
