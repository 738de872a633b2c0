import { join } from 'node:path';
import type { Containment } from '../containment/containment.ts';
import { checkForkServer } from './check-fork-server.ts';
import { compileAddon } from './compile-addon.ts';
import { type ForkServerProcess, startForkServer } from './fork-server-process.ts';

/** The fork servers of a runner: one for each heap size, as its limit can be set at the start only. */
export interface ForkServers {
  /** The fork server for this size; null while there is none, as when it is being started, or never, where this machine cannot have any. */
  of(memoryMb: number): ForkServerProcess | null;
  close(): Promise<void>;
}

export interface ForkServersOptions {
  readonly runnerId: string;
  readonly containment: Containment;
  readonly folder: string;
  /** A server is ready to be used. */
  readonly onReady: (memoryMb: number) => void;
  readonly onTrouble: (error: unknown) => void;
}

/** An idle one holds some 15 MB of its own. Tasks of further sizes are spawned. */
const mostServers = 3;
/** One that ended is replaced after this time; one that could not be started is not tried again. */
const restartAfterMs = 1_000;

/** Starts fork servers when they are first asked for. */
export function openForkServers(options: ForkServersOptions): ForkServers {
  const servers = new Map<number, ForkServerProcess | null>();
  const starting = new Set<Promise<void>>();
  const closing = new AbortController();
  const isClosing = (): boolean => closing.signal.aborted;

  const start = async (memoryMb: number): Promise<void> => {
    try {
      const addon = await compileAddon(join(options.folder, '.cloudcode', 'fork-server'));
      if (isClosing()) return;
      const server = await startForkServer({ ...options, memoryMb, addon });
      try {
        await checkForkServer({ ...options, server });
      } catch (error) {
        await server.end();
        throw error;
      }
      if (isClosing()) return await server.end();
      servers.set(memoryMb, server);
      void server.ended.then(() => replace(memoryMb));
      options.onReady(memoryMb);
    } catch (error) {
      options.onTrouble(error);
    }
  };
  const begin = (memoryMb: number): void => {
    servers.set(memoryMb, null);
    const started = start(memoryMb).finally(() => starting.delete(started));
    starting.add(started);
  };
  const replace = (memoryMb: number): void => {
    servers.set(memoryMb, null);
    if (isClosing()) return;
    options.onTrouble(new Error('the fork server ended; another one is started'));
    setTimeout(() => {
      if (!isClosing()) begin(memoryMb);
    }, restartAfterMs).unref();
  };
  return {
    of(memoryMb) {
      const server = servers.get(memoryMb);
      if (server === undefined && servers.size < mostServers && !isClosing()) begin(memoryMb);
      return server ?? null;
    },
    async close() {
      closing.abort();
      await Promise.all(starting);
      await Promise.all([...servers.values()].flatMap((server) => (server === null ? [] : [server.end()])));
    },
  };
}
