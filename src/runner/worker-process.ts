import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { packageRoot } from '../package-root.ts';
import { encodeFrame, FrameDecoder } from '../protocol/frame.ts';
import { parseWorkerMessage } from '../protocol/parse-worker-message.ts';
import type { FromWorker, ReplyMessage, StartMessage } from '../protocol/worker-messages.ts';
import type { Container, Containment } from './containment/containment.ts';

const workerFile = join(packageRoot, 'dist/worker.cjs');

/** What a worker gets of the runner's own environment. Nothing else: no credentials, no settings of Node. */
const inheritedVariables = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR'];

export interface WorkerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface WorkerListener {
  message(message: FromWorker): void;
  output(stream: 'stdout' | 'stderr', chunk: Buffer): void;
  /** The channel ended, or something else than frames came through it. */
  channelLost(): void;
}

/** One worker: waits for a run, executes it, and is never used again. */
export class WorkerProcess {
  readonly id = randomUUID();
  readonly memoryMb: number;
  readonly pid: number;
  readonly container: Container;
  /** Resolves when the process itself is gone and all it had written was read. */
  readonly closed: Promise<WorkerExit>;
  /** Resolves when the process itself is gone. */
  readonly exited: Promise<WorkerExit>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #channel: Socket;
  #hasExited = false;

  constructor(options: { readonly runnerId: string; readonly memoryMb: number; readonly containment: Containment; readonly folder: string }) {
    this.memoryMb = options.memoryMb;
    this.#child = spawn(process.execPath, [`--max-old-space-size=${options.memoryMb}`, '--inspect-port=127.0.0.1:0', workerFile], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env: { ...inheritedEnvironment(), CLOUDCODE_RUNNER: options.runnerId, CLOUDCODE_ATTEMPT: this.id },
      cwd: options.folder,
      // A session and group of its own: a Ctrl-C at the terminal is for the runner, and the group can be ended at one instant.
      detached: true,
    }) as ChildProcessByStdio<null, Readable, Readable>;
    const { pid } = this.#child;
    this.#channel = this.#child.stdio[3] as Socket;
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('exit', (code, signal) => {
        this.#hasExited = true;
        resolve({ code, signal });
      });
      this.#child.once('error', reject);
    });
    this.closed = new Promise((resolve) => this.#child.once('close', (code, signal) => resolve({ code, signal })));
    this.exited.catch(() => undefined);
    // A worker that died while it was written to says so by its end.
    this.#channel.on('error', () => undefined);
    if (pid === undefined) throw new Error('the operating system started no process for a worker');
    this.pid = pid;
    this.container = options.containment.contain(this.id, pid);
    this.container.ready.catch(() => undefined);
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  listen(listener: WorkerListener): void {
    const decoder = new FrameDecoder();
    this.#channel.on('data', (piece: Buffer) => {
      try {
        for (const text of decoder.push(piece)) {
          const message = parseWorkerMessage(text);
          if (message === null) return listener.channelLost();
          listener.message(message);
        }
      } catch {
        listener.channelLost();
      }
    });
    this.#channel.once('end', () => listener.channelLost());
    this.#child.stdout.on('data', (chunk: Buffer) => listener.output('stdout', chunk));
    this.#child.stderr.on('data', (chunk: Buffer) => listener.output('stderr', chunk));
  }

  /** Calls a listener with the text of the worker's standard error as it comes, until the answer is called. */
  onStderr(listener: (text: string) => void): () => void {
    const onData = (chunk: Buffer): void => listener(chunk.toString());
    this.#child.stderr.on('data', onData);
    return () => this.#child.stderr.off('data', onData);
  }

  /** Hands the run to the waiting worker. */
  start(message: StartMessage, parametersJson: string): void {
    this.#channel.write(encodeFrame(JSON.stringify(message)));
    this.#channel.write(encodeFrame(parametersJson));
  }

  /** Answers a call: with a value, which is JSON already and may be large, or a refusal. */
  reply(call: number, answer: { readonly valueJson: string } | { readonly error: NonNullable<ReplyMessage['error']> }): void {
    if (!this.#channel.writable) return;
    const [valueJson, errorJson] = 'error' in answer ? ['null', JSON.stringify(answer.error)] : [answer.valueJson, 'null'];
    this.#channel.write(encodeFrame(`{"type":"reply","call":${call},"value":${valueJson},"error":${errorJson}}`));
  }

  /** Ends the process and everything it started; resolves when all are known to be gone. */
  async end(): Promise<WorkerExit> {
    await this.container.killAll();
    const exit = await this.exited;
    this.container.close();
    return exit;
  }
}

function inheritedEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of inheritedVariables) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}
