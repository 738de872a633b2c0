import { randomUUID } from 'node:crypto';
import { ProcessesGone } from '../core/processes-gone.ts';
import { encodeFrame } from '../protocol/frame.ts';
import type { ReplyMessage, StartMessage } from '../protocol/to-worker.ts';
import type { Container, Containment } from './containment/containment.ts';
import { type ChannelListener, ChannelReader } from './read-channel.ts';
import type { WorkerExit } from './worker-exit.ts';
import type { WorkerIo } from './worker-io.ts';

export interface WorkerListener extends ChannelListener {
  output(stream: 'stdout' | 'stderr', chunk: Buffer): void;
}

/** How a worker ended, and the proof that nothing of it is left. */
export interface WorkerEnd extends WorkerExit {
  readonly gone: ProcessesGone;
}

export interface WorkerProcessOptions {
  readonly memoryMb: number;
  /** Whether the fork server started it. */
  readonly isForked: boolean;
  readonly startVariables: string;
  readonly containment: Containment;
  /** Starts the process of a worker with this id. */
  readonly start: (workerId: string) => WorkerIo | Promise<WorkerIo>;
}

/** One that has not loaded by then hangs, as Node does that gets no threads, and is killed. */
const loadWithinMs = 30_000;

/** One worker: waits for a run, executes it, and is never used again. */
export class WorkerProcess implements AsyncDisposable {
  readonly id = randomUUID();
  readonly memoryMb: number;
  readonly isForked: boolean;
  readonly startVariables: string;
  /** Resolves when the process is there and contained: only then may anything else be asked of it. */
  readonly ready: Promise<void>;
  /** Resolves with true when it has loaded what is the same for every run, and with false when it ended before that. */
  readonly loaded: Promise<boolean>;
  /** Resolves when the process itself is gone. Rejects when it never was. */
  readonly exited: Promise<WorkerExit>;
  readonly #waits = Promise.withResolvers<boolean>();
  #io: WorkerIo | null = null;
  #reader: ChannelReader | null = null;
  #container: Container | null = null;
  #hasExited = false;
  #hasLoaded = false;

  /** Throws when the process could not be started, and that was known at once. */
  constructor({ memoryMb, isForked, startVariables, containment, start }: WorkerProcessOptions) {
    this.memoryMb = memoryMb;
    this.isForked = isForked;
    this.startVariables = startVariables;
    const started = start(this.id);
    const begun =
      'pid' in started
        ? Promise.resolve(this.#begin(started, containment))
        : started.then((io) => this.#begin(io, containment));
    this.exited = begun.then(async (io) => {
      const exit = await io.exited;
      this.#hasExited = true;
      this.#reader?.end();
      return exit;
    });
    this.exited.catch(() => undefined);
    const endedFirst = (): boolean => false;
    this.loaded = Promise.race([this.#waits.promise, this.exited.then(endedFirst, endedFirst)]);
    this.ready = begun.then(() => this.container.ready);
    this.ready.catch(() => undefined);
  }

  #begin(io: WorkerIo, containment: Containment): WorkerIo {
    this.#io = io;
    // A worker that died while it was written to says so by its end.
    io.channel.on('error', () => undefined);
    this.#reader = new ChannelReader(io.channel, () => {
      this.#hasLoaded = true;
      this.#waits.resolve(true);
    });
    this.#container = containment.contain(this.id, io.pid);
    this.#container.ready.catch(() => undefined);
    const { container } = this;
    const overdue = setTimeout(() => void container.killAll(), loadWithinMs).unref();
    const notOverdue = (): void => clearTimeout(overdue);
    void Promise.race([this.#waits.promise, io.exited]).then(notOverdue, notOverdue);
    return io;
  }

  get pid(): number {
    return this.#process.pid;
  }

  get container(): Container {
    if (this.#container === null) throw new Error('the worker has not been started yet');
    return this.#container;
  }

  /** Resolves when the process itself is gone and all it had written was read. */
  get closed(): Promise<WorkerExit> {
    return this.#process.closed;
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  /** Whether it has said that it has loaded. When it is `closed` and has not, it never got as far as a run. */
  get hasLoaded(): boolean {
    return this.#hasLoaded;
  }

  get #process(): WorkerIo {
    if (this.#io === null) throw new Error('the worker has not been started yet');
    return this.#io;
  }

  listen(listener: WorkerListener): void {
    const { stdout, stderr } = this.#process;
    this.#reader?.listen(listener);
    stdout.on('data', (chunk: Buffer) => listener.output('stdout', chunk));
    stderr.on('data', (chunk: Buffer) => listener.output('stderr', chunk));
  }

  /** Calls a listener with the text of the worker's standard error as it comes, until the answer is called. */
  onStderr(listener: (text: string) => void): () => void {
    const onData = (chunk: Buffer): void => listener(chunk.toString());
    const { stderr } = this.#process;
    stderr.on('data', onData);
    return () => stderr.off('data', onData);
  }

  /** Hands the run to the waiting worker. */
  start(message: StartMessage, parametersJson: string): void {
    const { channel } = this.#process;
    channel.write(encodeFrame(JSON.stringify(message)));
    channel.write(encodeFrame(parametersJson));
  }

  /** Answers a call: with a value, which is JSON already and may be large, or a refusal. */
  reply(
    call: number,
    answer: { readonly valueJson: string } | { readonly error: NonNullable<ReplyMessage['error']> },
  ): void {
    const { channel } = this.#process;
    if (!channel.writable) return this.#reader?.answered(call);
    const [valueJson, errorJson] =
      'error' in answer ? ['null', JSON.stringify(answer.error)] : [answer.valueJson, 'null'];
    channel.write(encodeFrame(`{"type":"reply","call":${call},"value":${valueJson},"error":${errorJson}}`));
    this.#reader?.answered(call);
  }

  /** Ends the process and everything it started; resolves when all are known to be gone. Never rejects. */
  async end(): Promise<WorkerEnd> {
    await this.ready.catch(() => undefined); // contained or not, the container ends what there is
    if (this.#container === null) return { code: null, signal: null, gone: ProcessesGone.because('never_started') };
    const gone = await this.#container.killAll();
    await this.#process.findEnd?.();
    const exit = await this.exited.catch(() => ({ code: null, signal: null }));
    this.#container.close();
    return { ...exit, gone };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
