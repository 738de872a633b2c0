import { resolve } from 'node:path';
import { CloudCodeError } from './engine/core/errors.ts';
import type { Waiting } from './service/operations/service.ts';
import type { Served, ServiceOptions, System, SystemOptions } from './main/system.ts';
import { type Closing, closeInReverse } from './main/closing.ts';
import { openFolderStore } from './main/open-store.ts';
import { type FirstBuild, type ServedFolder, serveFolder } from './main/served-folder.ts';
import { openServing } from './main/serving.ts';
import { refuseToChange } from './engine/operations/environments.ts';
import { checkMasterKey } from './engine/operations/data-keys.ts';
import { makeMachineFolder } from './project/machine-folder.ts';

// What only some commands need is imported where it is used: the others start faster without it.

/** Longer than any attempt: a timer takes no more. */
export const untilAllIsDone = 2_147_483_647;

/**
 * Deploys a project and serves it: store, HTTP and runner. What is wrong with the options or the sources is found before anything is
 * changed, but in `watch`.
 * @returns null when the signal ended the first build: nothing was changed
 */
export async function startSystem(options: SystemOptions): Promise<System | null> {
  const { findFolder } = await import('./project/find-project.ts');
  const { name, folder } = await findFolder(resolve(options.folder));
  const [first] = await Promise.all([buildFirst(options, folder), loadForLater(options)]);
  if (first === null) return null;
  const closing = closeInReverse();
  try {
    const machineFolder = chooseMachineFolder(options, folder, closing);
    const { store, keys, close } = await openFolderStore({ ...options, folder });
    closing.add(close);
    await refuseToChange(store, options.environment);
    // On a database of many machines it is made when something is masked first: each would make one of its own.
    await checkMasterKey(store, keys, { makes: options.databaseUrl === undefined });
    const served = Promise.withResolvers<ServedFolder>();
    const folderState = {
      look: async (onStep?: (step: string) => void) => (await served.promise).look(onStep),
      deploy: async (environment: string, waiting: Waiting) => (await served.promise).deploy(environment, waiting),
      hasTask: hasTaskIn(folder),
    };
    const project = { project: { name, folder }, folderState };
    const { url, begin, drain, stop } = await openServing({ store, keys, machineFolder, options, project, closing });
    const serving = await serveFolder({ store, options, folder, first });
    closing.add(serving.close);
    served.resolve(serving);
    const { tasks, isBroken, broken } = serving;
    await begin(first.started);
    return { store, folder, url, tasks, isBroken, broken, drain, stop };
  } catch (error) {
    await closing.close();
    throw error;
  }
}

/**
 * Serves a store: what others deploy to it. No project's folder is needed.
 * @param options `folder`: what the embedded store's default place is relative to
 * @throws CloudCodeError of the store, `folder_not_writable`, and those of the master key
 */
export async function startService(options: ServiceOptions & { readonly folder: string }): Promise<Served> {
  await loadForLater(options);
  const closing = closeInReverse();
  try {
    const machineFolder = chooseMachineFolder(options, resolve(options.folder), closing);
    const { store, keys, close } = await openFolderStore(options);
    closing.add(close);
    await checkMasterKey(store, keys, { makes: options.databaseUrl === undefined });
    const { url, begin, drain, stop } = await openServing({ store, keys, machineFolder, options, closing });
    await begin({});
    return { store, url, drain, stop };
  } catch (error) {
    await closing.close();
    throw error;
  }
}

function chooseMachineFolder(options: ServiceOptions, project: string, closing: Closing): string {
  const { folder, temporaryBecause, leave } = makeMachineFolder({
    project,
    data: options.data,
    isEmbedded: options.databaseUrl === undefined,
  });
  closing.add(async () => leave());
  if (temporaryBecause !== null) options.onEvent({ kind: 'files_elsewhere', folder, because: temporaryBecause });
  return folder;
}

function hasTaskIn(folder: string): (task: string) => Promise<boolean> {
  return async (task) => {
    const { findProject } = await import('./project/find-project.ts');
    const found = await findProject(folder).catch(() => null);
    return found?.tasks.some(({ name }) => name === task) === true;
  };
}

/** The build has a process of its own: meanwhile this one loads what it needs afterwards. */
async function loadForLater(options: ServiceOptions): Promise<void> {
  await Promise.all([
    options.databaseUrl === undefined ? import('./engine/store/embedded/start-embedded-server.ts') : null,
    options.http === null ? null : import('./service/http/create-server.ts'),
    options.runner === null ? null : import('./engine/runner/start-runner.ts'),
  ]);
}

/** @returns null when the signal ended it */
async function buildFirst(options: SystemOptions, folder: string): Promise<FirstBuild | null> {
  const { buildApart, readConfigApart } = await import('./project/build-process/build-apart.ts');
  const read: string[] = [];
  const seen = { read, beganAtMs: Date.now() };
  if (options.deploy === 'never') {
    const started = await readConfigApart(folder, options);
    return started === null ? null : { ...seen, built: null, error: null, started };
  }
  try {
    const built = await buildApart(folder, {
      signal: options.signal,
      cache: options.data,
      brokenTasks: options.brokenTasks,
      onStep: (step) => options.onEvent({ kind: 'building', step }),
      onRead: (files) => read.push(...files),
    });
    return built === null ? null : { ...seen, built, error: null, started: built.config };
  } catch (error) {
    if (!options.watch || !(error instanceof CloudCodeError)) throw error;
    options.onEvent({ kind: 'not_deployed', error });
    return { ...seen, built: null, error, started: {} };
  } finally {
    options.onEvent({ kind: 'building', step: null });
  }
}
