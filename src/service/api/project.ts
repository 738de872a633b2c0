import { z } from 'zod';
import { carried, toldPackage } from '../../engine/core/carried.ts';
import { problem } from './http-problem.ts';
import { inEnvironment, resource } from './operation.ts';
import { brokenTask } from './tasks.ts';

/** How the folder of the server stands to what is deployed. */
const folderBody = z
  .object({
    /** Whether it is deployed whenever it changes; it is up to date then, or there is a `problem`. */
    isWatched: z.boolean(),
    /** Whether the server left what others have deployed alone, so that it is not the folder that is deployed. */
    isKept: z.boolean(),
    /** The files that have changed since the folder was built, relative to it. */
    changed: z.array(z.string()).readonly(),
    /** Why the folder as it stands could not be deployed. */
    problem: problem.nullable(),
    /** The tasks of the folder that are broken as they stand; absent in answers of earlier versions. */
    broken: z.array(brokenTask).readonly().optional(),
  })
  .readonly()
  .meta({ id: 'Folder' });
export type FolderBody = z.output<typeof folderBody>;

/** What is deployed now. */
export const deploymentBody = z
  .object({
    /** Of the deployment; absent in answers of earlier versions. */
    id: z.string().optional(),
    environment: z.string(),
    folder: z.string(),
    /** False when the environment had this code and data model already. */
    changed: z.boolean(),
    /** What else of the configuration became another: `variables`, `retention`, `queues`. */
    settings: z.array(z.string()).readonly(),
    tasks: z.array(z.string()).readonly(),
    /** Of the tasks. */
    code: carried,
    packages: carried,
    files: carried,
    /** What was done with each package, and why. */
    report: z.array(toldPackage).readonly(),
    /** Where code starts threads and processes by computed paths (`cloudcode/a/index.ts:12`), and no `files` are named. */
    computedStarts: z.array(z.string()).readonly(),
    /** What people are to know of stored values: that the data model hides some, say. */
    notices: z.array(z.string()).readonly(),
  })
  .readonly()
  .meta({ id: 'DeployedProject' });
export type DeploymentBody = z.output<typeof deploymentBody>;

export const project = resource('project', {
  show: {
    method: 'GET',
    path: `${inEnvironment}/project`,
    permission: 'project:read',
    summary: 'Tells of the project that this server serves.',
    answer: z.object({
      folder: z.string(),
      name: z.string(),
      environment: z.string(),
      version: z.string(),
      pid: z.number(),
    }),
    refusals: ['not_found'],
  },
  lookAtFolder: {
    method: 'GET',
    path: `${inEnvironment}/folder`,
    permission: 'project:read',
    summary: 'Tells how the folder of the server stands to what is deployed; one that is watched is deployed first.',
    answer: folderBody,
    stream: { events: { step: z.string(), done: folderBody }, last: 'done' },
    refusals: ['not_found'],
  },
  deployFolder: {
    method: 'POST',
    path: `${inEnvironment}/folder/deploy`,
    permission: 'deploy',
    summary: 'Deploys the folder that this server serves, as it stands.',
    // `done` is null when the build was ended before that.
    stream: { events: { step: z.string(), done: deploymentBody.nullable() }, last: 'done' },
    refusals: ['not_found'],
  },
});
