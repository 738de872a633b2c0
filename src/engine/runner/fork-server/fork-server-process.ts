import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ownFlags } from '../../fork-server/own-identity.ts';
import { packageRoot } from '../../../package-root.ts';
import { lineSplitter } from '../../protocol/guard-lines.ts';
import type { Containment } from '../containment/containment.ts';
import { send } from '../containment/end-owned.ts';
import { workerEnvironment, workerFlags, type WorkerIo } from '../worker-io.ts';
import { acceptStreams } from './accept-streams.ts';
import { nameOfSignal } from '../worker-exit.ts';
import { ForkedWorker } from './forked-worker.ts';

/** A process that forks workers of one heap size. */
export interface ForkServerProcess {
  readonly pid: number;
  /** Resolves when it has ended; its workers end with it. */
  readonly ended: Promise<void>;
  /** For how long it has owed an answer, in milliseconds; 0 when it owes none. */
  silentMs(): number;
  /** How many of its workers have not ended. */
  living(): number;
  /** Starts a worker. Rejects when that fails, or takes too long. */
  fork(workerId: string): Promise<WorkerIo>;
  end(): Promise<void>;
}

export interface ForkServerOptions {
  readonly runnerId: string;
  readonly memoryMb: number;
  readonly containment: Containment;
  readonly folder: string;
  /** The compiled native part. */
  readonly addon: string;
}

const serverFile = join(packageRoot, 'dist/fork-server.cjs');
const readyWithinMs = 10_000;
const forkWithinMs = 5_000;

/** Starts a fork server, and resolves when it can fork. */
export async function startForkServer(options: ForkServerOptions): Promise<ForkServerProcess> {
  const id = randomUUID();
  const workers = new Map<string, ForkedWorker>();
  const workersByPid = new Map<number, ForkedWorker>();
  /** When it was asked for the workers about which it has said nothing yet, the oldest first. */
  const asked = new Map<string, number>();
  const listener = await acceptStreams((workerId, stream, socket) => {
    const worker = workers.get(workerId);
    worker?.onConnected(stream, socket);
    return worker !== undefined;
  });
  const child = spawnOrClose(() => spawnServer(options, id, listener.name), listener);
  const { pid } = child;
  if (pid === undefined) {
    // The operating system gave no process (EAGAIN, EMFILE). It has no streams then, and says so by an event a little later.
    listener.close();
    const [error] = (await once(child, 'error')) as [Error];
    throw error;
  }
  const control = child.stdio[3] as Socket;
  control.on('error', () => undefined); // its end tells
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-2_000)));
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const ready = Promise.withResolvers<undefined>();
  ready.promise.catch(() => undefined); // whoever waits for it hears of it; it may end before that, or after
  void gone.then(() => ready.reject(new Error(`the fork server ended: ${complaint.trim()}`)));
  const container = options.containment.contain(id, pid);

  const onText = lineSplitter((line) => {
    const [word, first = '', second = '', third = ''] = line.split(' ');
    if (word === 'ready') ready.resolve(undefined);
    if (word === 'failed' || word === 'forked') asked.delete(first);
    if (word === 'failed') workers.get(first)?.onFailed(`error ${second} of fork`);
    if (word === 'forked') onForked(first, Number(second));
    if (word === 'exited') onExited(Number(first), Number(second), Number(third));
  });
  control.setEncoding('utf8').on('data', onText);
  function onForked(workerId: string, workerPid: number): void {
    const worker = workers.get(workerId);
    if (worker === undefined) return send(workerPid, 'SIGKILL'); // it took too long, and nobody waits for it
    workersByPid.set(workerPid, worker);
    worker.onForked(workerPid);
  }
  // Until it is released the kernel gives its id to no other process.
  function onExited(workerPid: number, code: number, signal: number): void {
    const worker = workersByPid.get(workerPid);
    workersByPid.delete(workerPid);
    control.write(`release ${workerPid}\n`);
    worker?.onExited(signal === 0 ? { code, signal: null } : { code: null, signal: nameOfSignal(signal) });
  }

  const ended = gone.then(async () => {
    listener.close();
    control.destroy();
    for (const worker of workers.values()) worker.onFailed('the server ended');
    // The kernel ends its workers with it.
    await Promise.all([...workersByPid.values()].map((worker) => worker.findEnd()));
  });
  const end = async (): Promise<void> => {
    await container.killAll();
    await ended;
    container.close();
  };
  try {
    await Promise.all([
      container.ready,
      Promise.race([
        ready.promise,
        delay(readyWithinMs, undefined, { ref: false }).then(() =>
          Promise.reject(new Error('the fork server was not ready in time')),
        ),
      ]),
    ]);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    pid,
    ended,
    end,
    silentMs() {
      const [oldest] = asked.values();
      return oldest === undefined ? 0 : performance.now() - oldest;
    },
    living: () => [...workersByPid.values()].filter((worker) => !worker.hasExited).length,
    async fork(workerId) {
      const worker = new ForkedWorker();
      workers.set(workerId, worker);
      asked.set(workerId, performance.now());
      control.write(`fork ${workerId}\n`);
      const timer = setTimeout(() => worker.onFailed('it took too long'), forkWithinMs);
      try {
        return await worker.started;
      } catch (error) {
        for (const [workerPid, each] of workersByPid) if (each === worker) send(workerPid, 'SIGKILL');
        throw error;
      } finally {
        clearTimeout(timer);
        workers.delete(workerId);
      }
    },
  };
}

/** Opening a file or a pipe for it can fail as well, at once. */
function spawnOrClose<Child>(spawnIt: () => Child, listener: { close(): void }): Child {
  try {
    return spawnIt();
  } catch (error) {
    listener.close();
    throw error;
  }
}

function spawnServer({ runnerId, memoryMb, folder, addon }: ForkServerOptions, id: string, socketName: string) {
  const addonFile = openSync(addon, 'r');
  try {
    return spawn(process.execPath, [...workerFlags(memoryMb), ...ownFlags, serverFile, socketName], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', addonFile],
      // By descriptor: a path with a space or colon cannot be preloaded.
      env: { ...workerEnvironment(runnerId, id), LD_PRELOAD: '/proc/self/fd/4' },
      cwd: folder,
      detached: true,
    });
  } finally {
    closeSync(addonFile);
  }
}
