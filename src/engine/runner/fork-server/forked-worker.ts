import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, readEnd, readStat } from '../containment/proc-files.ts';
import { within } from '../within.ts';
import { closeOf, exitOf, readToEnd, type WorkerExit } from '../worker-exit.ts';
import type { WorkerIo } from '../worker-io.ts';

/** The streams of a worker, in the order of the descriptors that they are in it. */
const streamCount = 3;
/** How long the server may take to say that a worker has ended, before somebody looks. */
const toldWithinMs = 100;
const lookMs = 20;

interface Known {
  readonly pid: number;
  /** Null when it had gone before it was looked at; `unknown` when it could not be looked at. */
  readonly startTicks: number | null | 'unknown';
}

/** A worker that the fork server is starting: it is there when its id is known and it has opened its three connections. */
export class ForkedWorker {
  readonly #started = Promise.withResolvers<WorkerIo>();
  readonly #exited = Promise.withResolvers<WorkerExit>();
  readonly #streams = new Map<number, Socket>();
  #process: Known | null = null;
  #hasExited = false;

  get started(): Promise<WorkerIo> {
    return this.#started.promise;
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  /** @param pid of a process that the server has not let go yet, living or not */
  onForked(pid: number): void {
    this.#process = { pid, startTicks: startOf(pid) };
    this.#startWhenWhole();
  }

  onConnected(stream: number, socket: Socket): void {
    this.#streams.set(stream, socket);
    // The server may be stopped, and tell nobody. After an error there is no 'end'.
    if (stream === streamCount) socket.once('close', () => void this.findEnd());
    this.#startWhenWhole();
  }

  /** It could not be started; without effect when it was. */
  onFailed(reason: string): void {
    this.#started.reject(new Error(`the fork server started no worker: ${reason}`));
  }

  onExited(exit: WorkerExit): void {
    if (this.#hasExited) return;
    this.#hasExited = true;
    this.onFailed(`it ended with ${String(exit.signal ?? exit.code)}`);
    this.#exited.resolve(exit);
    readToEnd(this.#streams.values());
  }

  /** Resolves when it has ended, as the server tells; else, a little later, as the kernel does. */
  async findEnd(): Promise<void> {
    await within(toldWithinMs, this.#exited.promise);
    while (!this.#hasExited) {
      const exit = this.#lookForEnd();
      if (exit === null) await delay(lookMs);
      else this.onExited(exit);
    }
  }

  /** Null while it lives, or cannot be looked at, as when no file can be opened. */
  #lookForEnd(): WorkerExit | null {
    if (this.#process === null) return endOf(null);
    const { pid, startTicks } = this.#process;
    try {
      const stat = readStat(pid);
      const isIt = stat !== null && (startTicks === 'unknown' || stat.startTicks === startTicks);
      if (isIt && isAlive(stat)) return null;
      return endOf(isIt ? readEnd(pid) : null);
    } catch {
      return null;
    }
  }

  #startWhenWhole(): void {
    if (this.#process === null || this.#streams.size < streamCount) return;
    const [stdout, stderr, channel] = [1, 2, 3].map((stream) => this.#streams.get(stream));
    if (stdout === undefined || stderr === undefined || channel === undefined) return;
    const exited = this.#exited.promise;
    const closed = closeOf(exited, [stdout, stderr, channel]);
    this.#started.resolve({
      pid: this.#process.pid,
      channel,
      stdout,
      stderr,
      exited,
      closed,
      findEnd: () => this.findEnd(),
    });
  }
}

function startOf(pid: number): Known['startTicks'] {
  try {
    return readStat(pid)?.startTicks ?? null;
  } catch {
    return 'unknown';
  }
}

/** @param status as of `waitpid`; null when nobody knows any more: the kernel kills a worker whose server has ended */
function endOf(status: number | null): WorkerExit {
  return status === null ? { code: null, signal: 'SIGKILL' } : exitOf(status);
}
