import { join, resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { CloudCodeError } from './core/errors.ts';
import type { ServerOptions } from './http/create-server.ts';
import { type Deployed, deployProject } from './operations/deploy-project.ts';
import type { BuiltProject } from './project/build-project.ts';
import type { ProjectConfig } from './project/config.ts';
import type { RunnerEvent } from './runner/events.ts';
import { chooseWorkerStart } from './runner/worker-start.ts';
import { lockEnvironment } from './store/deployments.ts';
import { migrate } from './store/migrate.ts';
import { openStore, type Store } from './store/open-store.ts';
import { readEnvironmentId } from './store/read-runs.ts';
import { hasRunners } from './store/runners.ts';

// What only some commands need is imported where it is used: the others start faster without it.

/** The only environment until `deploy` is there. */
const onlyEnvironment = 'testing';
/** Longer than any attempt: a timer takes no more. */
export const untilAllIsDone = 2_147_483_647;

/** What a runner reads once. */
const runnerSettings = ['concurrency', 'leaseMs', 'workerStart'] as const;

export interface OpenedStore {
  readonly store: Store;
  close(): Promise<void>;
}

/**
 * The store of a project, migrated: the one at `databaseUrl`, or else the project's embedded one, which is started when it does not run.
 * @throws CloudCodeError of the store
 */
export async function openProjectStore(options: { readonly folder: string; readonly databaseUrl?: string | undefined }): Promise<OpenedStore> {
  const closing = closeInReverse();
  try {
    const url = options.databaseUrl ?? (await startEmbedded(options.folder, closing));
    const store = await openStore({ url });
    closing.add(() => store.close());
    await migrate(store);
    await makeEnvironment(store);
    return { store, close: closing.close };
  } catch (error) {
    await closing.close();
    throw error;
  }
}

async function startEmbedded(folder: string, closing: Closing): Promise<string> {
  const { startEmbeddedServer } = await import('./store/embedded/start-embedded-server.ts');
  const embedded = await startEmbeddedServer({ folder: join(folder, '.cloudcode') });
  closing.add(() => embedded.release());
  return embedded.url;
}

/** `testing` is there from the start, so that lists of a new project are empty and no error. */
async function makeEnvironment(store: Store): Promise<void> {
  if ((await readEnvironmentId(store, onlyEnvironment)) !== null) return;
  await store.transaction((db) => lockEnvironment(db, onlyEnvironment));
}

export interface SystemOptions {
  readonly folder: string;
  readonly databaseUrl: string | undefined;
  readonly environment: string;
  /** Where to serve the API; null: nowhere. */
  readonly http: { readonly host: string; readonly port: number } | null;
  /** Null: claim no runs. Undefined: the project's, or else the default. */
  readonly runner: { readonly concurrency: number | undefined; readonly leaseMs: number | undefined } | null;
  /** Deploys again when a file changes; sources that are broken at the start are told, not thrown. */
  readonly watch: boolean;
  /** Leaves the deployment alone when other runners work on this store. */
  readonly deployOnlyIfAlone: boolean;
  readonly onEvent: (event: SystemEvent) => void;
}

export type SystemEvent =
  | RunnerEvent
  /** A deployment brings the tables to its data model: `what` is `adding table asset`. */
  | { readonly kind: 'changing_tables'; readonly what: string }
  /** `afterRestart`: settings of the runner, such as `concurrency`, that are no longer those it was started with. */
  | ({ readonly kind: 'deployed'; readonly afterRestart: readonly string[] } & Deployed)
  | { readonly kind: 'not_deployed'; readonly error: unknown }
  | { readonly kind: 'request_failed'; readonly message: string };

export interface System {
  readonly store: Store;
  readonly folder: string;
  readonly url: string | null;
  readonly tasks: readonly string[];
  /** Claims nothing more and finishes what runs. Attempts that take longer than `drainMs` are given back. */
  drain(options?: { readonly drainMs?: number }): Promise<void>;
  /** Drains, if that was not done, and closes everything. */
  stop(options?: { readonly drainMs?: number }): Promise<void>;
}

/**
 * Deploys a project and serves it: store, HTTP and runner. What is wrong with the options or the sources is found before anything is
 * changed, but in `watch`.
 */
export async function startSystem(options: SystemOptions): Promise<System> {
  refuseOtherEnvironment(options.environment);
  const { findProject } = await import('./project/find-project.ts');
  const { name, folder } = await findProject(resolve(options.folder));
  const built = await buildFor(options, folder);
  const closing = closeInReverse();
  try {
    const { store, close } = await openProjectStore({ folder, databaseUrl: options.databaseUrl });
    closing.add(close);
    let isReady = false;
    const url = options.http === null ? null : await serve(options.http, { store, project: { name, folder }, isReady: () => isReady, log: logOf(options) }, closing);
    const started = built?.config ?? {};
    const tasks = await deployFirst(store, options, built);
    const runner = await startOwnRunner(store, { options, folder, built });
    if (runner !== null) closing.add(() => runner.stop({ drainMs: 0 }));
    if (options.watch) closing.add(await watchAndDeploy(store, options, { folder, started }));
    if (url !== null) closing.add(await (await import('./http/record-server.ts')).recordServer(folder, url));
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
    return { store, folder, url, tasks, drain, stop };
  } catch (error) {
    await closing.close();
    throw error;
  }
}

function logOf(options: SystemOptions): (message: string) => void {
  return (message) => options.onEvent({ kind: 'request_failed', message });
}

function tableEventsOf(options: SystemOptions): (what: string) => void {
  return (what) => options.onEvent({ kind: 'changing_tables', what });
}

/** @throws CloudCodeError `environment_not_found` */
function refuseOtherEnvironment(environment: string): void {
  if (environment === onlyEnvironment) return;
  throw new CloudCodeError('environment_not_found', `There is no environment ${JSON.stringify(environment)}.`, {
    hint: `This version has \`${onlyEnvironment}\` only; leave --environment out.`,
  });
}

async function buildFor(options: SystemOptions, folder: string): Promise<BuiltProject | null> {
  const { buildProject } = await import('./project/build-project.ts');
  try {
    return await buildProject(folder);
  } catch (error) {
    if (!options.watch || !(error instanceof CloudCodeError)) throw error;
    options.onEvent({ kind: 'not_deployed', error });
    return null;
  } finally {
    if (!options.watch) await (await import('./project/bundle.ts')).endBundler();
  }
}

async function serve(
  at: { readonly host: string; readonly port: number },
  options: ServerOptions,
  closing: Closing,
): Promise<string> {
  const [{ createServer }, { listen }] = await Promise.all([import('./http/create-server.ts'), import('./http/listen.ts')]);
  const server: FastifyInstance = createServer(options);
  closing.add(() => server.close());
  return listen(server, at);
}

async function deployFirst(store: Store, options: SystemOptions, built: BuiltProject | null): Promise<readonly string[]> {
  if (built === null) return [];
  if (options.deployOnlyIfAlone && (await hasRunners(store))) return [];
  return deploy(store, options, { built, started: built.config });
}

interface Rebuilt {
  readonly built: BuiltProject;
  /** The configuration that the runner was started with. */
  readonly started: ProjectConfig;
}

async function deploy(store: Store, options: SystemOptions, { built, started }: Rebuilt): Promise<readonly string[]> {
  const deployed = await deployProject(store, options.environment, built, tableEventsOf(options));
  // Where nothing is forked, it says nothing that a task is spawned.
  const spawned = chooseWorkerStart(built.config.workerStart) === 'fork' ? deployed.spawned : [];
  const afterRestart = options.runner === null ? [] : runnerSettings.filter((name) => built.config[name] !== started[name]);
  options.onEvent({ kind: 'deployed', ...deployed, spawned, afterRestart });
  return deployed.tasks;
}

async function startOwnRunner(store: Store, from: { readonly options: SystemOptions; readonly folder: string; readonly built: BuiltProject | null }) {
  const { options, folder, built } = from;
  if (options.runner === null) return null;
  const { startRunner } = await import('./runner/start-runner.ts');
  const { concurrency = built?.config.concurrency, leaseMs = built?.config.leaseMs } = options.runner;
  return startRunner({ store, folder, concurrency, leaseMs, workerStart: built?.config.workerStart, onEvent: options.onEvent });
}

/** @returns ends the watching */
async function watchAndDeploy(store: Store, options: SystemOptions, from: { readonly folder: string; readonly started: ProjectConfig }): Promise<() => Promise<void>> {
  const { folder, started } = from;
  const [{ watchProject }, { buildProject }, { endBundler }] = await Promise.all([
    import('./project/watch-project.ts'), import('./project/build-project.ts'), import('./project/bundle.ts'),
  ]);
  const deployAgain = async (): Promise<void> => {
    try {
      await deploy(store, options, { built: await buildProject(folder), started });
    } catch (error) {
      options.onEvent({ kind: 'not_deployed', error });
    }
  };
  const watch = watchProject(folder, deployAgain);
  await watch.ready;
  return async () => {
    await watch.close();
    await endBundler();
  };
}

/** Deploys a folder as it stands to a store, once. @throws CloudCodeError of the project */
export async function deployFolder(store: Store, folder: string, environment: string): Promise<void> {
  refuseOtherEnvironment(environment);
  const [{ buildProject }, { endBundler }] = await Promise.all([import('./project/build-project.ts'), import('./project/bundle.ts')]);
  try {
    await deployProject(store, environment, await buildProject(resolve(folder)));
  } finally {
    await endBundler();
  }
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
