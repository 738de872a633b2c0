import type { Socket } from 'node:net';
import { FrameDecoder } from '../protocol/frame.ts';
import { parseWorkerMessage } from '../protocol/from-worker.ts';
import type { CallMessage, FromAttempt } from '../protocol/from-worker.ts';

export interface ChannelListener {
  message(message: FromAttempt): void;
  /** The channel ended, or something else than frames came through it. */
  channelLost(): void;
}

/** A worker may have so many calls under way, and so many bytes of them (one call may have more); then nothing is read of it until some are answered, which holds its task up. */
const maxCalls = 64;
const maxCallBytes = 16 * 1024 * 1024;
/** Bytes of answers that a worker has not read. Those of reads are few (src/engine/worker/channel.ts); this is for hundreds of thousands of others. */
const maxUnreadBytes = 64 * 1024 * 1024;

/** Reads what a worker sends, from its start on: first that it waits, then what its attempt says. A worker says no more before it has a run, and whoever hands it one listens. */
export class ChannelReader {
  readonly #channel: Socket;
  /** Calls under way with their bytes, by their number. */
  readonly #calls = new Map<number, number>();
  #callBytes = 0;
  #listener: ChannelListener | null = null;
  #isLost = false;
  #hasEnded = false;

  constructor(channel: Socket, onWaiting: () => void) {
    this.#channel = channel;
    const decoder = new FrameDecoder();
    channel.on('data', (piece: Buffer) => {
      try {
        for (const text of decoder.push(piece)) {
          const message = parseWorkerMessage(text);
          if (message === null) return this.#lose();
          if (message.type === 'call') this.#begin(message, text.length);
          if (message.type === 'waiting') onWaiting();
          else this.#listener?.message(message);
        }
        this.#pauseOrResume();
      } catch {
        this.#lose();
      }
    });
    channel.on('drain', () => this.#pauseOrResume());
    channel.once('end', () => this.#lose());
  }

  listen(listener: ChannelListener): void {
    this.#listener = listener;
    if (this.#isLost) listener.channelLost();
  }

  /** The answer to this call was given to the channel. */
  answered(call: number): void {
    this.#callBytes -= this.#calls.get(call) ?? 0;
    this.#calls.delete(call);
    this.#pauseOrResume();
  }

  /** The worker is gone: what it has said is read to the end, which is not much. */
  end(): void {
    this.#hasEnded = true;
    this.#pauseOrResume();
  }

  #begin({ call, request: { kind } }: CallMessage, bytes: number): void {
    // A read waits in the worker while others are under way. If it counted here, one that is held up could not read their answers, and they would never end.
    if (kind === 'extension') return;
    this.#calls.set(call, bytes);
    this.#callBytes += bytes;
  }

  #pauseOrResume(): void {
    const isFull =
      this.#calls.size >= maxCalls || this.#callBytes >= maxCallBytes || this.#channel.writableLength >= maxUnreadBytes;
    if (isFull && !this.#hasEnded) this.#channel.pause();
    else if (this.#channel.isPaused()) this.#channel.resume();
  }

  #lose(): void {
    this.#isLost = true;
    this.#listener?.channelLost();
  }
}
