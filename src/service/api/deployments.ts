import { z } from 'zod';
import { manifest, sentBundle, sentContent } from '../../engine/core/manifest.ts';
import { isoTime } from '../../engine/core/run-schema.ts';
import { inEnvironment, resource } from './operation.ts';
import { deploymentBody } from './project.ts';
import { one, wholeNumber } from './read-input.ts';

const deployment = z
  .object({
    id: z.string(),
    createdAt: isoTime,
    active: z.boolean().meta({ description: 'Whether attempts that begin now run it.' }),
    restores: z
      .string()
      .nullable()
      .meta({ description: 'The earlier deployment that it has brought back; null for one that was built.' }),
    folder: z.string().nullable().meta({ description: 'Where it was built; null for one that was sent to a server.' }),
    tasks: z.number().nullable().meta({ description: 'How many; null where its code is gone.' }),
  })
  .readonly()
  .meta({ id: 'Deployment' });
export type DeploymentSummary = z.output<typeof deployment>;

const names = z.array(z.string()).readonly();
const changes = z
  .object({
    tasks: z.object({
      added: names,
      changed: names,
      removed: z
        .array(z.object({ task: z.string(), runs: z.number().meta({ description: 'Unfinished ones.' }) }).readonly())
        .readonly(),
    }),
    packages: z.object({ added: names, removed: names }),
    files: z.boolean(),
    data: z.object({
      steps: names.meta({ description: 'What is done to the tables.' }),
      notices: names.meta({ description: 'What that means for stored values: that some are hidden, say.' }),
    }),
  })
  .readonly()
  .meta({ id: 'DeploymentChanges', description: 'Compared with what is active.' });
export type DeploymentChangesBody = z.output<typeof changes>;

const hash = z
  .string({ error: 'must be a string' })
  .regex(/^[0-9a-f]{64}$/, { error: 'must be a SHA-256, in 64 hexadecimal digits' });
const hashes = z.array(hash, { error: 'must be an array of hashes' }).max(100_000).readonly();
const parts = z
  .strictObject({ bundles: hashes, contents: hashes }, { error: 'must be { "bundles": [ … ], "contents": [ … ] }' })
  .meta({ id: 'PartHashes' });

const id = z.string().meta({ description: 'The number of a deployment.' });
const upload = z.string().meta({ description: 'The id of an upload.' });

/** What a deployment that was sent came to. */
const sent = z
  .object({
    dryRun: z.boolean(),
    changes,
    check: z
      .object({
        runner: z.string().nullable().meta({ description: 'The one that has loaded each task; null where none has.' }),
        why: z.string().nullable().meta({ description: 'Why it was not checked; null where it was.' }),
        unchecked: names.meta({ description: 'Tasks that use `DB` or `CloudCode` while they load.' }),
      })
      .readonly()
      .nullable()
      .meta({ description: 'Null after a dry run, and for what was built where it is deployed.' }),
    deployed: deploymentBody.nullable().meta({ description: 'Null after a dry run.' }),
    cancelledRuns: z.number().meta({ description: 'Of tasks that are gone.' }),
  })
  .readonly();
export type SentDeployment = z.output<typeof sent>;

const activated = z
  .object({
    deployment: deployment.meta({ description: 'The one that is active now.' }),
    changed: z.boolean().meta({ description: 'False when it was active already.' }),
    settings: names,
    notices: names,
  })
  .readonly();
export type ActivatedBody = z.output<typeof activated>;

export const deployments = resource('deployments', {
  list: {
    method: 'GET',
    path: `${inEnvironment}/deployments`,
    permission: 'tasks:read',
    summary: 'Lists the deployments of an environment, newest first, a page at a time.',
    parameters: {
      cursor: one.optional().meta({ description: 'The `nextCursor` of the page before.' }),
      limit: wholeNumber
        .optional()
        .meta({ description: 'The size of a page, up to 100; that is what it is by default.' }),
    },
    answer: z.object({
      deployments: z.array(deployment).readonly(),
      nextCursor: z.string().optional().meta({ description: 'The `cursor` of the next page; absent at the end.' }),
    }),
  },
  show: {
    method: 'GET',
    path: `${inEnvironment}/deployments/:id`,
    permission: 'tasks:read',
    summary: 'Tells what a deployment is made of.',
    parameters: { id },
    answer: z
      .object({
        deployment,
        tasks: z
          .array(z.object({ name: z.string(), bundleHash: z.string(), config: z.object({}).loose() }).readonly())
          .readonly(),
        packages: names,
        files: z.object({ count: z.number(), bytes: z.number() }).readonly().nullable(),
        models: names,
        variables: names.meta({ description: "The names of those of the project's configuration." }),
      })
      .readonly(),
    refusals: ['deployment_not_found'],
  },
  plan: {
    method: 'GET',
    path: `${inEnvironment}/deployments/:id/plan`,
    permission: 'tasks:read',
    summary: 'Tells what bringing an earlier deployment back would change.',
    parameters: { id },
    answer: z.object({ deployment, changes }).readonly(),
    refusals: ['deployment_not_found', 'deployment_pruned', 'data_model_conflict', 'deploy_blocked'],
  },
  activate: {
    method: 'POST',
    path: `${inEnvironment}/deployments/:id/activate`,
    permission: 'deploy',
    summary: 'Brings an earlier deployment back: a new one is made of the same, and is active.',
    parameters: { id },
    stream: { events: { step: z.string(), done: activated }, last: 'done' },
    refusals: ['deployment_not_found'],
  },
  missing: {
    method: 'POST',
    path: `${inEnvironment}/deployments/missing`,
    permission: 'deploy',
    summary: 'Tells which parts of a deployment have to be sent; the others stay for an hour at least.',
    body: parts,
    maxBodyBytes: 16 * 1024 * 1024,
    answer: parts,
  },
  beginUpload: {
    method: 'POST',
    path: `${inEnvironment}/uploads`,
    permission: 'deploy',
    summary: 'Begins to send a part of a deployment; one that nobody goes on with for an hour is deleted.',
    answer: z.object({ id: z.string() }),
  },
  putPiece: {
    method: 'POST',
    path: `${inEnvironment}/uploads/:upload/pieces/:number`,
    permission: 'deploy',
    summary: 'Sends a piece of a part, at most 2 MB; all pieces together are one stream of zstd.',
    parameters: {
      upload,
      number: z.string().meta({ type: 'integer', minimum: 0, maximum: 4_999, description: 'The first piece is 0.' }),
    },
    bytes: true,
    maxBodyBytes: 2 * 1024 * 1024,
    answer: z.object({}),
    refusals: ['upload_not_found', 'invalid_upload'],
  },
  completeBundle: {
    method: 'POST',
    path: `${inEnvironment}/uploads/:upload/bundle`,
    permission: 'deploy',
    summary: 'Makes an upload the bundle of a task, if it is what its hash says.',
    parameters: { upload },
    body: sentBundle,
    answer: z.object({}),
    refusals: ['upload_not_found', 'invalid_upload'],
  },
  completeContent: {
    method: 'POST',
    path: `${inEnvironment}/uploads/:upload/content`,
    permission: 'deploy',
    summary: 'Makes an upload the files of a package or a project, if they are what their hash says.',
    parameters: { upload },
    body: sentContent,
    maxBodyBytes: 64 * 1024 * 1024,
    answer: z.object({}),
    refusals: ['upload_not_found', 'invalid_upload'],
  },
  create: {
    method: 'POST',
    path: `${inEnvironment}/deployments`,
    permission: 'deploy',
    summary: 'Deploys a project that was built elsewhere, whose parts were sent before: all of it, or nothing.',
    body: z.strictObject(
      {
        manifest,
        dryRun: z.boolean().optional().meta({ description: 'Tell what would change, and change nothing.' }),
        cancelRemoved: z.boolean().optional().meta({ description: 'Cancel the waiting runs of tasks that go away.' }),
      },
      { error: 'must be { "manifest": { … } }' },
    ),
    maxBodyBytes: 64 * 1024 * 1024,
    stream: { events: { step: z.string(), done: sent }, last: 'done' },
    refusals: ['invalid_manifest', 'invalid_data_model', 'invalid_variable', 'invalid_queue'],
  },
});
