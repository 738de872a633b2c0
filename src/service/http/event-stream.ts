import type { ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';

export interface EventStream {
  /** Aborts when nobody listens any more. */
  readonly closed: AbortSignal;
  end(): Promise<void>;
}

/** Shorter than the idle limits of usual clients and proxies. */
const heartbeatMs = 10_000;

/** Begins an answer of server-sent events, and keeps its connection from looking idle. */
export function openEventStream(to: ServerResponse): EventStream {
  const closed = new AbortController();
  to.once('close', () => closed.abort());
  to.on('error', () => closed.abort());
  to.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  to.flushHeaders();
  const heartbeat = setInterval(() => void to.write(':\n\n'), heartbeatMs);
  return {
    closed: closed.signal,
    end: async () => {
      clearInterval(heartbeat);
      to.end();
      // A server that closes cuts off what is still on its way.
      await finished(to).catch(() => undefined);
    },
  };
}

export function wantsEvents(accept: string | undefined): boolean {
  return accept?.split(',').some((type) => type.trim().toLowerCase().startsWith('text/event-stream')) === true;
}
