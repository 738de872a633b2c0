import { EventEmitter, on } from 'node:events';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { findEnvironment, refuseToChange } from '../../engine/operations/environments.ts';
import { packageVersion } from '../../package-root.ts';
import type { project } from '../api/project.ts';
import type { Follower, Handlers } from './handler.ts';
import type { FolderState, Service, Waiting } from './service.ts';

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

type Step<Result> =
  | { readonly event: 'step'; readonly data: string }
  | { readonly event: 'done'; readonly data: Result };

/** What work is at, each step once, and what came of it. */
async function* stepsOf<Result>(
  work: (waiting: Waiting) => Promise<Result>,
  { signal }: Follower,
): AsyncGenerator<readonly Step<Result>[], void> {
  const steps = new EventEmitter();
  const told = on(steps, 'step', { close: ['end'] });
  const working = work({ signal, onStep: (step) => void steps.emit('step', step) }).finally(() => steps.emit('end'));
  // Whoever follows no longer may have gone before it is refused.
  working.catch(() => undefined);
  let last = '';
  for await (const [step] of told as AsyncIterable<[string]>) {
    if (step !== last) yield [{ event: 'step', data: step }];
    last = step;
  }
  yield [{ event: 'done', data: await working }];
}
