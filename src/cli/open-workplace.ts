import type { Backend } from '../client/backend.ts';
import type { SystemEvent } from '../main.ts';
import type { GlobalOptions } from './invocation.ts';
import { findTarget, resolveBackend } from './resolve-backend.ts';
import type { Deployable } from './schedule-or-deploy.ts';

/** Where `run` has its run executed: by a server's runner, or by one of its own. */
export interface Workplace {
  readonly backend: Backend;
  /** Of an own runner. */
  readonly deployable: Deployable | null;
  /** Lets an own runner finish what it has claimed. */
  finish(): Promise<void>;
  /** Has an own runner give back what it is still at, and closes what was opened. */
  close(): Promise<void>;
}

/**
 * A server that serves the project, or without one a runner in this process on the project's store, with the folder deployed as it stands.
 * A database that other runners work on keeps its deployment. Outside a project there is no folder to work with, so others must.
 * @returns null when the signal ended the build of the folder
 */
export async function openWorkplace(global: GlobalOptions, onEvent: (event: SystemEvent) => void, signal: AbortSignal): Promise<Workplace | null> {
  const target = await findTarget(global);
  if (target.kind === 'server' || target.folder === null) {
    const { backend, close } = await resolveBackend(global);
    return { backend, deployable: null, finish: async () => undefined, close };
  }
  const [{ startSystem, untilAllIsDone }, { storeBackend }] = await Promise.all([import('../main.ts'), import('./store-backend.ts')]);
  const system = await startSystem({
    folder: target.folder,
    data: global.data,
    databaseUrl: target.kind === 'database' ? target.url : undefined,
    environment: global.environment,
    http: null,
    runner: { concurrency: undefined, leaseMs: undefined },
    watch: false,
    deploy: target.kind === 'database' ? 'if_alone' : 'always',
    onEvent,
    signal,
  });
  if (system === null) return null;
  return {
    backend: storeBackend(system.store, global.environment),
    deployable: { store: system.store, folder: system.folder, environment: global.environment, isShared: target.kind === 'database' },
    finish: () => system.drain({ drainMs: untilAllIsDone }),
    close: () => system.stop({ drainMs: 0 }),
  };
}
