import type { Socket } from 'node:net';
import type { WorkerExit, WorkerIo } from '../worker-io.ts';

/** The streams of a worker, in the order of the descriptors that they are in it. */
const streamCount = 3;

/** A worker that the fork server is starting: it is there when its id is known and it has opened its three connections. */
export class ForkedWorker {
  readonly #started = Promise.withResolvers<WorkerIo>();
  readonly #exited = Promise.withResolvers<WorkerExit>();
  readonly #streams = new Map<number, Socket>();
  #pid: number | null = null;

  get started(): Promise<WorkerIo> {
    return this.#started.promise;
  }

  get pid(): number | null {
    return this.#pid;
  }

  onForked(pid: number): void {
    this.#pid = pid;
    this.#startWhenWhole();
  }

  onConnected(stream: number, socket: Socket): void {
    this.#streams.set(stream, socket);
    this.#startWhenWhole();
  }

  /** It could not be started; without effect when it was. */
  onFailed(reason: string): void {
    this.#started.reject(new Error(`the fork server started no worker: ${reason}`));
  }

  onExited(exit: WorkerExit): void {
    this.onFailed(`it ended with ${String(exit.signal ?? exit.code)}`);
    this.#exited.resolve(exit);
    // Nobody may be reading, as of a worker that was still waiting; the ends come only to those who read.
    for (const socket of this.#streams.values()) if (socket.readableFlowing !== true) socket.resume();
  }

  #startWhenWhole(): void {
    if (this.#pid === null || this.#streams.size < streamCount) return;
    const [stdout, stderr, channel] = [1, 2, 3].map((stream) => this.#streams.get(stream));
    if (stdout === undefined || stderr === undefined || channel === undefined) return;
    const exited = this.#exited.promise;
    const closed = Promise.all([exited, ...[stdout, stderr, channel].map(closeOf)]).then(([exit]) => exit);
    this.#started.resolve({ pid: this.#pid, channel, stdout, stderr, exited, closed });
  }
}

function closeOf(socket: Socket): Promise<void> {
  socket.on('error', () => undefined); // 'close' follows
  return new Promise((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));
}
