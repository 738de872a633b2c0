import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { finished } from 'node:stream/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { problemOf } from '../api/http-problem.ts';
import { type Operation, refusedEvent } from '../api/operation.ts';
import { type Follower, JsonText } from '../operations/handler.ts';
import type { AnyEvent } from '../operations/handlers.ts';
import { toRefusal } from './answer-errors.ts';

/** Shorter than the idle limits of usual clients and proxies. */
const heartbeatMs = 10_000;
/** How long a closing server leaves its streams to tell the end of runs that are finished. */
const lastLookMs = 5000;

interface Exchange {
  readonly operation: Operation;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** @param after what the stream is to be taken up after, as a parameter of the operation */
type Follow = (follower: Follower, after: object) => Promise<AsyncIterable<readonly AnyEvent[]>>;

export interface Streams {
  /** Answers with a stream of server-sent events, to its end. What it is refused for before that is thrown. */
  send(exchange: Exchange, follow: Follow): Promise<FastifyReply>;
  /** A signal that aborts when nobody waits for an answer any more, or the server closes. */
  untilGone(reply: FastifyReply): AbortSignal;
}

/** The streams of a server; those that are open when it closes have one more look. */
export function openStreams(server: FastifyInstance, log: (message: string) => void): Streams {
  const open = new Set<Promise<void>>();
  const lastLook = new AbortController();
  server.addHook('preClose', async () => {
    lastLook.abort();
    await Promise.race([Promise.all(open), sleep(lastLookMs, undefined, { ref: false })]);
  });
  return {
    async send(exchange, follow) {
      const { operation, request, reply } = exchange;
      const closed = new AbortController();
      reply.raw.once('close', () => closed.abort());
      const follower = { signal: closed.signal, lastLook: lastLook.signal };
      const events = await follow(follower, lastEventOf(operation, request));
      void reply.hijack();
      const sending = sendEvents(events, { ...exchange, closed, log });
      open.add(sending);
      await sending.finally(() => open.delete(sending));
      return reply;
    },
    untilGone(reply) {
      const gone = new AbortController();
      const hurry = (): void => {
        // Else the client keeps the connection, and the server waits for that.
        void reply.header('connection', 'close');
        gone.abort();
      };
      if (lastLook.signal.aborted) hurry();
      lastLook.signal.addEventListener('abort', hurry);
      reply.raw.once('close', () => {
        lastLook.signal.removeEventListener('abort', hurry);
        gone.abort();
      });
      return gone.signal;
    },
  };
}

/** What is not the id of an event is passed over. */
function lastEventOf({ parameters, stream }: Operation, { headers }: FastifyRequest): object {
  const name = stream?.resumesAfter;
  if (name === undefined) return {};
  const after = parameters?.[name]?.safeParse(headers['last-event-id']);
  return after?.success === true && after.data !== undefined ? { [name]: after.data } : {};
}

interface Sending extends Exchange {
  readonly closed: AbortController;
  readonly log: (message: string) => void;
}

/**
 * Sends events, and comments between them that keep the connection from looking idle. A stream that breaks, also because the database is away, ends without its last event: the client comes
 * back with Last-Event-ID. One that cannot be taken up says what it was refused for.
 */
async function sendEvents(
  events: AsyncIterable<readonly AnyEvent[]>,
  { operation, request, reply: { raw: to }, closed, log }: Sending,
): Promise<void> {
  to.on('error', () => closed.abort());
  to.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  to.flushHeaders();
  const heartbeat = setInterval(() => void to.write(':\n\n'), heartbeatMs);
  try {
    for await (const page of events) {
      if (!to.write(page.map(eventText).join(''))) await once(to, 'drain', { signal: closed.signal });
    }
  } catch (error) {
    // The headers are sent, so there is no status left to say it with.
    if (operation.stream?.resumesAfter === undefined)
      to.write(eventText({ event: refusedEvent, data: problemOf(toRefusal(error, request, log)) }));
  } finally {
    clearInterval(heartbeat);
    to.end();
    // A server that closes cuts off what is still on its way.
    await finished(to).catch(() => undefined);
  }
}

function eventText({ event, data, id }: AnyEvent): string {
  const text = data instanceof JsonText ? data.text.replaceAll(/[\r\n]/g, ' ') : JSON.stringify(data);
  return `${event === 'message' ? '' : `event: ${event}\n`}${id === undefined ? '' : `id: ${id}\n`}data: ${text}\n\n`;
}

export function wantsEvents(accept: string | undefined): boolean {
  return accept?.split(',').some((type) => type.trim().toLowerCase().startsWith('text/event-stream')) === true;
}
