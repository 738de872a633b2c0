import type { Socket } from 'node:net';
import { FrameDecoder } from '../protocol/frame.ts';
import { parseWorkerMessage } from '../protocol/parse-worker-message.ts';
import type { FromAttempt } from '../protocol/worker-messages.ts';

export interface ChannelListener {
  message(message: FromAttempt): void;
  /** The channel ended, or something else than frames came through it. */
  channelLost(): void;
}

/** Reads what a worker sends, from its start on: first that it waits, then what its attempt says. A worker says no more before it has a run, and whoever hands it one listens. */
export class ChannelReader {
  #listener: ChannelListener | null = null;
  #isLost = false;

  constructor(channel: Socket, onWaiting: () => void) {
    const decoder = new FrameDecoder();
    channel.on('data', (piece: Buffer) => {
      try {
        for (const text of decoder.push(piece)) {
          const message = parseWorkerMessage(text);
          if (message === null) return this.#lose();
          if (message.type === 'waiting') onWaiting();
          else this.#listener?.message(message);
        }
      } catch {
        this.#lose();
      }
    });
    channel.once('end', () => this.#lose());
  }

  listen(listener: ChannelListener): void {
    this.#listener = listener;
    if (this.#isLost) listener.channelLost();
  }

  #lose(): void {
    this.#isLost = true;
    this.#listener?.channelLost();
  }
}
