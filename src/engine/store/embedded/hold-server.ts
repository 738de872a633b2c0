import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { holdOpen, leave } from './keeper.ts';

const triesAgainMs = 1000;

/** A server that is used here until `release`: then it is stopped, if nobody else uses it. */
export interface HeldServer {
  release(): Promise<void>;
}

/**
 * Holds the server by its keeper. When that connection ends although nobody released it (the server was killed, the kernel was out of memory, an administrator ended the
 * session), `join` starts or joins the server again: else every process that uses it would wait for one that never comes.
 */
export function holdServer(first: pg.Client, folder: string, join: () => Promise<pg.Client>): HeldServer {
  const released = new AbortController();
  let keeper: pg.Client | null = null;
  let joining: Promise<void> = Promise.resolve();

  const hold = (client: pg.Client): void => {
    keeper = client;
    holdOpen(client, false);
    client.once('end', () => {
      keeper = null;
      if (!released.signal.aborted) joining = joinAgain();
    });
  };
  const joinAgain = async (): Promise<void> => {
    while (!released.signal.aborted) {
      try {
        return hold(await join());
      } catch {
        // Who uses the database is told why by their own statements, and the reason (a full disk, say) may pass.
        await delay(triesAgainMs, undefined, { signal: released.signal }).catch(() => undefined);
      }
    }
  };

  hold(first);
  return {
    async release() {
      released.abort();
      await joining;
      if (keeper !== null) await leave(keeper, folder);
    },
  };
}
