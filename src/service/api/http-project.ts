import { z } from 'zod';
import type { DeployedBrokenTask } from '../../engine/core/broken-task.ts';
import type { Carried, ToldPackage } from '../../engine/core/carried.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { type Problem, problemOf } from './http-problem.ts';

const projectBody = z.object({
  folder: z.string(),
  name: z.string(),
  environment: z.string(),
  version: z.string(),
  pid: z.number(),
});

/** What `GET …/project` tells of the project that a server serves. */
export type ProjectBody = z.output<typeof projectBody>;

/** null when the body is not one of ours: something else listens there. */
export function parseProjectBody(body: unknown): ProjectBody | null {
  const parsed = projectBody.safeParse(body);
  return parsed.success ? parsed.data : null;
}

/** A task that could not be built when the others of its project were deployed. */
export interface BrokenTaskBody {
  readonly name: string;
  readonly problem: Problem;
  /** The deployment whose code it goes on with; null when it was never good, and cannot be scheduled. */
  readonly goesOn: { readonly deployedAt: string; readonly folder: string } | null;
}

export function toBrokenTaskBody({
  name,
  problem: { code, message, hint },
  goesOn,
}: DeployedBrokenTask): BrokenTaskBody {
  return {
    name,
    problem: problemOf(new CloudCodeError(code, message, { hint })),
    goesOn: goesOn === null ? null : { deployedAt: goesOn.deployedAt, folder: goesOn.folder },
  };
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
  /** The tasks of the folder that are broken as they stand; absent in answers of earlier versions. */
  readonly broken?: readonly BrokenTaskBody[];
}

/** What `POST …/folder/deploy` tells when it is done: what is deployed now. */
export interface DeploymentBody {
  readonly environment: string;
  readonly folder: string;
  /** False when the environment had this code and data model already. */
  readonly changed: boolean;
  /** What else of the configuration became another: `variables`, `retention`, `queues`. */
  readonly settings: readonly string[];
  readonly tasks: readonly string[];
  /** Of the tasks. */
  readonly code: Carried;
  readonly packages: Carried;
  readonly files: Carried;
  /** What was done with each package, and why. */
  readonly report: readonly ToldPackage[];
  /** Where code starts threads and processes by computed paths (`cloudcode/a/index.ts:12`), and no `files` are named. */
  readonly computedStarts: readonly string[];
  /** What people are to know of stored values: that the data model hides some, say. */
  readonly notices: readonly string[];
}

/** The server-sent events of work that takes a while: what it is at (`data` is a JSON string), and as the last one of the other two, with the result or the problem. */
export const workEvents = { step: 'step', done: 'done', refused: 'refused' } as const;
