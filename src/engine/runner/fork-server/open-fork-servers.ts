import { join } from 'node:path';
import type { Containment } from '../containment/containment.ts';
import { checkForkServer } from './check-fork-server.ts';
import { compileAddon } from './compile-addon.ts';
import { type ForkServerProcess, startForkServer } from './fork-server-process.ts';
import { codeOf } from '../../core/thrown.ts';

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
  readonly addonFolder?: string;
  /** False while the lease is lost: then the guard ends every process of this runner, fork servers too. */
  readonly holdsLease: () => boolean;
  /** A server is ready to be used. */
  readonly onReady: (memoryMb: number) => void;
  readonly onTrouble: (error: unknown) => void;
}

/** An idle one holds some 15 MB of its own. Tasks of further sizes are spawned. */
const maxServers = 3;
/** One that ended is replaced after this time. */
const restartAfterMs = 1_000;
/** One that could not be started is tried again after so many times the last pause, up to the longest. */
const patience = 8;
const maxPauseMs = 600_000;
/** One that owes an answer for so long, as when it is stopped, is not asked for more: workers are spawned until it answers. */
const silentAfterMs = 2_000;
/** Then it is ended, for another to be started; not while a worker of it lives, which would end with it. */
const stuckAfterMs = 30_000;

/** Files, processes, memory or room on the disk that were not to be had. */
const passing: readonly (string | null)[] = ['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'ENOSPC'];

/** Starts fork servers when they are first asked for. */
export function openForkServers(options: ForkServersOptions): ForkServers {
  const servers = new Map<number, ForkServerProcess | null>();
  const pauses = new Map<number, number>();
  const starting = new Set<Promise<void>>();
  const closing = new AbortController();
  const isClosing = (): boolean => closing.signal.aborted;

  const start = async (memoryMb: number): Promise<void> => {
    // Without a compiler there never is one. What a machine lacks only now, it may have later.
    const addon = await compileAddon(options.addonFolder ?? join(options.folder, '.cloudcode', 'fork-server')).catch(
      (error: unknown) => {
        if (passing.includes(codeOf(error))) tryAgain(memoryMb);
        throw error;
      },
    );
    if (isClosing()) return;
    const server = await startChecked({ ...options, memoryMb, addon }).catch((error: unknown) => {
      tryAgain(memoryMb);
      throw error;
    });
    if (isClosing()) return server.end();
    pauses.delete(memoryMb);
    servers.set(memoryMb, server);
    void server.ended.then(() => replace(memoryMb));
    options.onReady(memoryMb);
  };
  const begin = (memoryMb: number): void => {
    servers.set(memoryMb, null);
    const started = start(memoryMb)
      .catch(options.onTrouble)
      .finally(() => starting.delete(started));
    starting.add(started);
  };
  const beginLater = (memoryMb: number, pauseMs: number): void => {
    setTimeout(() => {
      if (isClosing()) return;
      if (options.holdsLease()) begin(memoryMb);
      else beginLater(memoryMb, restartAfterMs);
    }, pauseMs).unref();
  };
  const tryAgain = (memoryMb: number): void => {
    if (!options.holdsLease()) return beginLater(memoryMb, restartAfterMs);
    const pauseMs = pauses.get(memoryMb) ?? restartAfterMs;
    pauses.set(memoryMb, Math.min(pauseMs * patience, maxPauseMs));
    beginLater(memoryMb, pauseMs);
  };
  const replace = (memoryMb: number): void => {
    servers.set(memoryMb, null);
    if (isClosing()) return;
    options.onTrouble(new Error('the fork server ended; another one is started'));
    beginLater(memoryMb, restartAfterMs);
  };
  return {
    of(memoryMb) {
      const server = servers.get(memoryMb);
      if (server === undefined && servers.size < maxServers && !isClosing()) begin(memoryMb);
      const silentMs = server?.silentMs() ?? 0;
      if (silentMs > stuckAfterMs && server?.living() === 0) void server.end().catch(options.onTrouble);
      return silentMs > silentAfterMs ? null : (server ?? null);
    },
    async close() {
      closing.abort();
      await Promise.all(starting);
      await Promise.all([...servers.values()].flatMap((server) => (server === null ? [] : [server.end()])));
    },
  };
}

async function startChecked(
  options: ForkServersOptions & { readonly memoryMb: number; readonly addon: string },
): Promise<ForkServerProcess> {
  const server = await startForkServer(options);
  try {
    await checkForkServer({ ...options, server });
    return server;
  } catch (error) {
    await server.end();
    throw error;
  }
}
