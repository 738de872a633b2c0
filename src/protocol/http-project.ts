import { z } from 'zod';
import type { Problem } from './http-problem.ts';

const projectBody = z.object({ folder: z.string(), name: z.string(), environment: z.string(), version: z.string(), pid: z.number() });

/** What `GET …/project` tells of the project that a server serves. */
export type ProjectBody = z.output<typeof projectBody>;

/** null when the body is not one of ours: something else listens there. */
export function parseProjectBody(body: unknown): ProjectBody | null {
  const parsed = projectBody.safeParse(body);
  return parsed.success ? parsed.data : null;
}

/** What `GET …/folder` tells: how the folder of the server stands to what is deployed. */
export interface FolderBody {
  /** Whether it is deployed whenever it changes; it is up to date then, or there is a `problem`. */
  readonly isWatched: boolean;
  /** Whether the server left what others have deployed alone, so that it is not the folder that is deployed. */
  readonly isKept: boolean;
  /** The files that have changed since the folder was built, relative to it. */
  readonly changed: readonly string[];
  /** Why the folder as it stands could not be deployed. */
  readonly problem: Problem | null;
}
