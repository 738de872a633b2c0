import type { FastifyInstance } from 'fastify';
import type { MasterKeys } from '../engine/operations/master-key.ts';
import type { Runner } from '../engine/runner/start-runner.ts';
import type { Store } from '../engine/store/open-store.ts';
import type { ProjectConfig } from '../project/config.ts';
import type { ServerOptions } from '../service/http/create-server.ts';
import { checkStart } from './check-start.ts';
import type { Closing } from './closing.ts';
import { environmentData, readDeployedState as readState } from './environment-data.ts';
import type { ServiceOptions, Served } from './system.ts';

/** What is served, and where. */
export interface ToServe {
  readonly store: Store;
  readonly keys: MasterKeys;
  /** For the files of this machine. */
  readonly machineFolder: string;
  readonly options: Pick<ServiceOptions, 'http' | 'runner' | 'onEvent'>;
  /** Of the project's folder that is served besides; absent: there is none. */
  readonly project?: Pick<ServerOptions, 'project' | 'folderState'>;
  readonly closing: Closing;
}

export interface Serving extends Omit<Served, 'store'> {
  /** Starts the runner, and says that there is a server. @param config what a runner reads of the project's configuration */
  begin(config: Pick<ProjectConfig, 'concurrency' | 'leaseMs' | 'workerStart'>): Promise<void>;
}

/** Opens the API of a store; it is not ready before the runner has been started. */
export async function openServing({
  store,
  keys,
  machineFolder,
  options,
  project,
  closing,
}: ToServe): Promise<Serving> {
  let isReady = false;
  let runner: Runner | null = null;
  const url =
    options.http === null
      ? null
      : await listenAt(
          options.http,
          {
            store,
            keys,
            environmentData,
            readState,
            checkStart,
            ...project,
            isReady: () => isReady,
            claiming: { claimOnInsert: () => runner?.claimOnInsert() ?? null },
            unfitReason: () => runner?.unfitReason() ?? null,
            log: (message) => options.onEvent({ kind: 'request_failed', message }),
          },
          closing,
        );
  // The API answers while the runner drains, so that those who wait for a run see its end.
  const drain: Served['drain'] = async ({ drainMs } = {}) => {
    isReady = false;
    await runner?.stop(drainMs === undefined ? {} : { drainMs });
  };
  return {
    url,
    begin: async (config) => {
      const folder = project?.project?.folder ?? null;
      runner = await startOwnRunner({ store, keys, folder, machineFolder }, options, config);
      closing.add(async () => runner?.stop({ drainMs: 0 }));
      if (url !== null) closing.add(await record(machineFolder, url, options.onEvent));
      isReady = true;
    },
    drain,
    stop: async (how) => {
      await drain(how);
      await closing.close();
    },
  };
}

async function listenAt(
  at: { readonly host: string; readonly port: number },
  options: ServerOptions,
  closing: Closing,
): Promise<string> {
  const [{ createServer }, { listen }] = await Promise.all([
    import('../service/http/create-server.ts'),
    import('../service/http/listen.ts'),
  ]);
  const server: FastifyInstance = createServer(options);
  closing.add(() => server.close());
  return listen(server, at);
}

async function record(
  machineFolder: string,
  url: string,
  onEvent: ServiceOptions['onEvent'],
): Promise<() => Promise<void>> {
  const onTrouble = (error: unknown): void =>
    onEvent({
      kind: 'trouble',
      what: 'other commands will not find this server: its record could not be written',
      error,
    });
  return (await import('../project/server-records.ts')).recordServer(machineFolder, url, onTrouble);
}

interface RunnerPlace {
  readonly store: Store;
  readonly keys: MasterKeys;
  readonly folder: string | null;
  readonly machineFolder: string;
}

async function startOwnRunner(
  place: RunnerPlace,
  { runner, onEvent }: ToServe['options'],
  config: Parameters<Serving['begin']>[0],
): Promise<Runner | null> {
  if (runner === null) return null;
  const [{ startRunner }, { dataExtension }] = await Promise.all([
    import('../engine/runner/start-runner.ts'),
    import('../data/extension.ts'),
  ]);
  return startRunner({
    ...place,
    extension: dataExtension,
    concurrency: runner.concurrency ?? config.concurrency,
    leaseMs: runner.leaseMs ?? config.leaseMs,
    workerStart: runner.workerStart ?? config.workerStart,
    onEvent,
  });
}
