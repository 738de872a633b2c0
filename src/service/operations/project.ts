import { CloudCodeError } from '../../engine/core/errors.ts';
import { findEnvironment, refuseToChange } from '../../engine/operations/environments.ts';
import { packageVersion } from '../../package-root.ts';
import type { project } from '../api/project.ts';
import type { Handlers } from './handler.ts';
import type { FolderState, Service } from './service.ts';
import { stepsOf } from './steps.ts';

export const projectHandlers: Handlers<typeof project> = {
  show: {
    answer: async ({ store, project: served }, { environment }) => {
      await findEnvironment(store, environment);
      if (served === undefined) throw notServed();
      return { folder: served.folder, name: served.name, environment, version: packageVersion, pid: process.pid };
    },
  },
  lookAtFolder: {
    answer: async (service, { environment }) => {
      await findEnvironment(service.store, environment);
      return folderOf(service).look();
    },
    follow: async (service, { environment }, follower) => {
      await findEnvironment(service.store, environment);
      const folder = folderOf(service);
      return stepsOf(({ onStep }) => folder.look(onStep), follower);
    },
  },
  deployFolder: {
    follow: async (service, { environment }, follower) => {
      await refuseToChange(service.store, environment);
      const folder = folderOf(service);
      return stepsOf((waiting) => folder.deploy(environment, waiting), follower);
    },
  },
};

function folderOf({ folderState }: Service): FolderState {
  if (folderState === undefined) throw notServed();
  return folderState;
}

function notServed(): CloudCodeError {
  return new CloudCodeError('not_found', 'No folder of a project is served here.', {
    hint: 'Start a server in the folder: cloudcode start.',
  });
}
