import { CloudCodeError } from '../../engine/core/errors.ts';
import { deployChanges } from '../../engine/operations/deploy-changes.ts';
import {
  activateEarlier,
  getDeployment,
  listDeployments,
  planActivation,
} from '../../engine/operations/deployments.ts';
import { refuseToChange } from '../../engine/operations/environments.ts';
import type { ReadDeployedState } from '../../engine/operations/extension.ts';
import { readManifest } from '../../engine/operations/sent-deployment.ts';
import {
  beginUpload,
  completeBundle,
  completeContent,
  missingParts,
  putPiece,
} from '../../engine/operations/uploads.ts';
import type { deployments } from '../api/deployments.ts';
import type { Handlers } from './handler.ts';
import type { Service } from './service.ts';
import { stepsOf } from './steps.ts';

export const deploymentHandlers: Handlers<typeof deployments> = {
  list: {
    answer: ({ store }, { environment, cursor, limit }) => listDeployments(store, environment, { cursor, limit }),
  },
  show: {
    answer: async ({ store }, { environment, id }) => {
      const { taskList, packages, files, state, settings, ...found } = await getDeployment(store, environment, id);
      const { createdAt, active, restores, folder, tasks } = found;
      return {
        deployment: { id: found.id, createdAt, active, restores, folder, tasks },
        tasks: taskList.map(({ name, bundleHash, config }) => ({ name, bundleHash, config: { ...config } })),
        packages,
        files,
        models: modelNames(state),
        variables: Object.keys(settings.variables).sort(),
      };
    },
  },
  plan: {
    answer: (service, { environment, id }) =>
      planActivation(service.store, { environment, id, readState: readStateOf(service) }),
  },
  activate: {
    follow: async (service, { environment, id }, follower) => {
      await getDeployment(service.store, environment, id);
      const readState = readStateOf(service);
      return stepsOf(({ onStep }) => activateEarlier(service.store, { environment, id, readState }, onStep), follower);
    },
  },
  missing: { answer: ({ store }, { environment, body }) => missingParts(store, environment, body) },
  beginUpload: { answer: ({ store }, { environment }) => beginUpload(store, environment) },
  putPiece: {
    answer: async ({ store }, { environment, upload: id, number, body: data }) => {
      await putPiece(
        store,
        { environment, id },
        { number, data: Buffer.from(data.buffer, data.byteOffset, data.length) },
      );
      return {};
    },
  },
  completeBundle: {
    answer: async ({ store }, { environment, upload: id, body }) => {
      await completeBundle(store, { environment, id }, body);
      return {};
    },
  },
  completeContent: {
    answer: async ({ store }, { environment, upload: id, body }) => {
      await completeContent(store, { environment, id }, body);
      return {};
    },
  },
  create: {
    follow: async (service, { environment, body: { manifest, dryRun = false, cancelRemoved = false } }, follower) => {
      const { store, checkStart } = service;
      await refuseToChange(store, environment);
      const project = await readManifest(manifest, { environment, readState: readStateOf(service), checkStart });
      return stepsOf(async ({ signal, onStep }) => {
        const how = { dryRun, cancelRemoved, signal, onProgress: onStep };
        const { changes, check, deployed, cancelledRuns } = await deployChanges(store, environment, project, how);
        if (deployed === null) return { dryRun, changes, check, deployed, cancelledRuns };
        const { id, changed, settings, tasks, code, packages, files, notices } = deployed;
        const built = { environment, folder: '', report: [], computedStarts: [] };
        const body = { ...built, id, changed, settings, tasks, code, packages, files, notices };
        return { dryRun, changes, check, deployed: body, cancelledRuns };
      }, follower);
    },
  },
};

/** Of a data model; other extensions' states have none. */
function modelNames(state: unknown): readonly string[] {
  const models = (state as { readonly models?: readonly { readonly name: string }[] } | null)?.models ?? [];
  return models.map(({ name }) => name).sort();
}

function readStateOf({ readState }: Service): ReadDeployedState {
  if (readState !== undefined) return readState;
  throw new CloudCodeError('not_found', 'Nothing can be deployed here.', {
    hint: 'Ask a server: cloudcode serve or cloudcode start.',
  });
}
