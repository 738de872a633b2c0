import { resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { CloudCodeError } from './engine/core/errors.ts';
import type { OnOperation } from './engine/core/operation-events.ts';
import type { ServerOptions } from './service/http/create-server.ts';
import type { Waiting } from './service/operations/service.ts';
import type { System, SystemOptions } from './main/system.ts';
import { type FirstBuild, type ServedFolder, serveFolder } from './main/served-folder.ts';
import { refuseToChange } from './engine/operations/environments.ts';
import { checkMasterKey } from './engine/operations/data-keys.ts';
import { type GivenKeys, type MasterKeys, openMasterKeys } from './engine/operations/master-key.ts';
import type { ProjectConfig } from './project/config.ts';
import { checkStart } from './main/check-start.ts';
import { environmentData } from './main/environment-data.ts';
import { makeMachineFolder, wantedFolder } from './project/machine-folder.ts';
import type { Runner } from './engine/runner/start-runner.ts';
import { migrate } from './engine/store/migrate.ts';
import { openStore, type Store } from './engine/store/open-store.ts';
import { refusePooler } from './engine/store/refuse-pooler.ts';

// What only some commands need is imported where it is used: the others start faster without it.

/** Longer than any attempt: a timer takes no more. */
export const untilAllIsDone = 2_147_483_647;

export interface OpenedStore {
  readonly store: Store;
  /** Of masked variables. */
  readonly keys: MasterKeys;
  close(): Promise<void>;
}

/**
 * The store of a project, migrated: the one at `databaseUrl`, or else the project's embedded one, which is started when it does not run.
 * @param options `data`: the folder for the embedded one, in place of the project's `.cloudcode`
 * @throws CloudCodeError of the store, `folder_not_writable` and `master_key_invalid`
 */
export async function openProjectStore(options: {
  readonly folder: string;
  readonly data?: string | undefined;
  readonly databaseUrl?: string | undefined;
  readonly masterKey?: GivenKeys | undefined;
  readonly onEvent?: OnOperation | undefined;
}): Promise<OpenedStore> {
  const keys = openMasterKeys(wantedFolder({ project: options.folder, data: options.data }), options.masterKey);
  const closing = closeInReverse();
  try {
    const url =
      options.databaseUrl ??
      (await startEmbedded(
        makeMachineFolder({ project: options.folder, data: options.data, isEmbedded: true }).folder,
        closing,
      ));
    // Before anything is prepared there: what a pooler mixes up is no error of the database.
    if (options.databaseUrl !== undefined) await refusePooler(url);
    const store = await openStore({ url, onEvent: options.onEvent });
    closing.add(() => store.close());
    await migrate(store);
    return { store, keys, close: closing.close };
  } catch (error) {
    await closing.close();
    throw error;
  }
}

async function startEmbedded(folder: string, closing: Closing): Promise<string> {
  const { startEmbeddedServer } = await import('./engine/store/embedded/start-embedded-server.ts');
  const embedded = await startEmbeddedServer({ folder });
  closing.add(() => embedded.release());
  return embedded.url;
}

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
    const { store, keys, close } = await openProjectStore({ ...options, folder });
    closing.add(close);
    await refuseToChange(store, options.environment);
    // On a database of many machines it is made when something is masked first: each would make one of its own.
    await checkMasterKey(store, keys, { makes: options.databaseUrl === undefined });
    let isReady = false;
    let runner: Runner | null = null;
    const served = Promise.withResolvers<ServedFolder>();
    const folderState = {
      look: async (onStep?: (step: string) => void) => (await served.promise).look(onStep),
      deploy: async (environment: string, waiting: Waiting) => (await served.promise).deploy(environment, waiting),
      hasTask: hasTaskIn(folder),
    };
    const url =
      options.http === null
        ? null
        : await serve(
            options.http,
            {
              store,
              keys,
              environmentData,
              checkStart,
              project: { name, folder },
              folderState,
              isReady: () => isReady,
              claiming: { claimOnInsert: () => runner?.claimOnInsert() ?? null },
              unfitReason: () => runner?.unfitReason() ?? null,
              log: logOf(options),
            },
            closing,
          );
    const serving = await serveFolder({ store, options, folder, first });
    closing.add(serving.close);
    served.resolve(serving);
    const { tasks, isBroken, broken } = serving;
    runner = await startOwnRunner(store, { options, keys, folder, machineFolder, started: first.started });
    closing.add(async () => runner?.stop({ drainMs: 0 }));
    if (url !== null) {
      const onTrouble = (error: unknown): void =>
        options.onEvent({
          kind: 'trouble',
          what: 'other commands will not find this server: its record could not be written',
          error,
        });
      closing.add(await (await import('./project/server-records.ts')).recordServer(machineFolder, url, onTrouble));
    }
    isReady = true;
    // The API answers while the runner drains, so that those who wait for a run see its end.
    const drain: System['drain'] = async ({ drainMs } = {}) => {
      isReady = false;
      await runner?.stop(drainMs === undefined ? {} : { drainMs });
    };
    const stop: System['stop'] = async (how) => {
      await drain(how);
      await closing.close();
    };
    return { store, folder, url, tasks, isBroken, broken, drain, stop };
  } catch (error) {
    await closing.close();
    throw error;
  }
}

function chooseMachineFolder(options: SystemOptions, project: string, closing: Closing): string {
  const { folder, temporaryBecause, leave } = makeMachineFolder({
    project,
    data: options.data,
    isEmbedded: options.databaseUrl === undefined,
  });
  closing.add(async () => leave());
  if (temporaryBecause !== null) options.onEvent({ kind: 'files_elsewhere', folder, because: temporaryBecause });
  return folder;
}

function logOf(options: SystemOptions): (message: string) => void {
  return (message) => options.onEvent({ kind: 'request_failed', message });
}

function hasTaskIn(folder: string): (task: string) => Promise<boolean> {
  return async (task) => {
    const { findProject } = await import('./project/find-project.ts');
    const found = await findProject(folder).catch(() => null);
    return found?.tasks.some(({ name }) => name === task) === true;
  };
}

/** The build has a process of its own: meanwhile this one loads what it needs afterwards. */
async function loadForLater(options: SystemOptions): Promise<void> {
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

async function serve(
  at: { readonly host: string; readonly port: number },
  options: ServerOptions,
  closing: Closing,
): Promise<string> {
  const [{ createServer }, { listen }] = await Promise.all([
    import('./service/http/create-server.ts'),
    import('./service/http/listen.ts'),
  ]);
  const server: FastifyInstance = createServer(options);
  closing.add(() => server.close());
  return listen(server, at);
}

async function startOwnRunner(
  store: Store,
  from: {
    readonly options: SystemOptions;
    readonly keys: MasterKeys;
    readonly folder: string;
    readonly machineFolder: string;
    readonly started: ProjectConfig;
  },
) {
  const { options, keys, folder, machineFolder, started } = from;
  if (options.runner === null) return null;
  const [{ startRunner }, { dataExtension }] = await Promise.all([
    import('./engine/runner/start-runner.ts'),
    import('./data/extension.ts'),
  ]);
  const { concurrency = started.concurrency, leaseMs = started.leaseMs } = options.runner;
  return startRunner({
    store,
    keys,
    folder,
    extension: dataExtension,
    machineFolder,
    concurrency,
    leaseMs,
    workerStart: started.workerStart,
    onEvent: options.onEvent,
  });
}

interface Closing {
  add(close: () => Promise<unknown>): void;
  readonly close: () => Promise<void>;
}

/** Closes what was opened, the last first; one that fails does not keep the others open. */
function closeInReverse(): Closing {
  const closers: (() => Promise<unknown>)[] = [];
  return {
    add: (close) => void closers.push(close),
    close: async () => {
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close().catch(() => undefined);
    },
  };
}
