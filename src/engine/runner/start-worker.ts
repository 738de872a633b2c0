import type { WorkerStart } from '../core/task-config.ts';
import type { Containment } from './containment/containment.ts';
import { openCompiledWorkers } from './compiled-workers.ts';
import { openForkServers } from './fork-server/open-fork-servers.ts';
import { openNativeSpawning } from './spawn/open-native-spawning.ts';
import { spawnWorker } from './spawn-worker.ts';
import type { WorkerNeed } from './worker-need.ts';
import { WorkerProcess } from './worker-process.ts';

/** What workers of one kind can stand in for one another. */
export interface WorkerKind {
  readonly memoryMb: number;
  readonly isForked: boolean;
  /** As of its need. */
  readonly startVariables: string;
}

export interface WorkerStarter {
  /** The kind of worker that a task with this need gets now. */
  kindFor(need: WorkerNeed): WorkerKind;
  /** Throws when the operating system gives no process, and that is known at once. */
  start(kind: WorkerKind): WorkerProcess;
  close(): Promise<void>;
}

export interface WorkerStarterOptions {
  readonly runnerId: string;
  readonly containment: Containment;
  readonly folder: string;
  /** Where the native part of the fork server is kept; by default in the project's folder. */
  readonly addonFolder?: string;
  /** Where the compiled code of workers is kept; they compile it themselves unless given. */
  readonly compiledFolder?: string;
  /** Where the native part that starts workers is kept; Node starts them unless given. */
  readonly spawnFolder?: string;
  readonly workerStart: WorkerStart;
  readonly holdsLease: () => boolean;
  /** Workers of this size are forked from now on. */
  readonly onChange: (memoryMb: number) => void;
  readonly onTrouble: (error: unknown) => void;
  /** The native part that starts workers does not work here. */
  readonly onSpawnTrouble?: (error: unknown) => void;
}

/** Starts workers, by fork where that is wanted and works, else by spawn. */
export function openWorkerStarter(options: WorkerStarterOptions): WorkerStarter {
  const { containment } = options;
  const servers = options.workerStart === 'fork' ? openForkServers({ ...options, onReady: options.onChange }) : null;
  const compiledWorkers = options.compiledFolder === undefined ? null : openCompiledWorkers(options.compiledFolder);
  const nativeSpawning =
    options.spawnFolder === undefined
      ? null
      : openNativeSpawning({ folder: options.spawnFolder, onTrouble: options.onSpawnTrouble ?? (() => undefined) });
  return {
    // A fork server has the variables that it was started with.
    kindFor: ({ memoryMb, workerStart, startVariables }) => ({
      memoryMb,
      isForked: workerStart !== 'spawn' && startVariables === '' && (servers?.of(memoryMb) ?? null) !== null,
      startVariables,
    }),
    start({ memoryMb, isForked, startVariables }) {
      const server = isForked ? (servers?.of(memoryMb) ?? null) : null;
      const own = compiledWorkers?.argumentsFor(memoryMb) ?? [];
      if (server === null) {
        const native = nativeSpawning?.forNext() ?? null;
        const spawned = (workerId: string) =>
          spawnWorker({ ...options, workerId, memoryMb, startVariables, compiled: own, native });
        const worker = new WorkerProcess({ memoryMb, isForked: false, startVariables, containment, start: spawned });
        if (own.length === 0) void worker.loaded.then(() => compiledWorkers?.make(memoryMb));
        return worker;
      }
      return new WorkerProcess({
        memoryMb,
        isForked: true,
        startVariables,
        containment,
        start: (workerId) => server.fork(workerId),
      });
    },
    async close() {
      compiledWorkers?.close();
      await nativeSpawning?.close();
      await servers?.close();
    },
  };
}
