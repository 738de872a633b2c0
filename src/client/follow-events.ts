import { CloudCodeError } from '../engine/core/errors.ts';
import { errorOfProblem } from '../engine/core/problem.ts';
import type { OperationEntry } from './operation-entry.ts';
import { readEvents, type ServerEvent } from './read-events.ts';
import { type Request, send, type Server, unreachable } from './request-json.ts';

/** The last event of a stream of something that was refused; its data is the problem. */
const refusedEvent = 'refused';
/** A server that restarts is waited for this long. */
const patienceMs = 30_000;
const pauseMs = 500;

interface Following {
  readonly entry: OperationEntry;
  readonly path: string;
  readonly body: unknown;
  readonly signal: AbortSignal;
}

/**
 * The events of an operation to its last one, or until the signal aborts. Where it can be taken up again, a stream that breaks is, after the last event that came;
 * a server that was never reached is an error at once, one that is away for 30 s later.
 * @throws CloudCodeError of the operation; `server_unreachable` also when the server goes away for good, or ends the stream before its end
 */
export async function* followEvents(
  server: Server,
  { entry: { method, stream }, path, body, signal }: Following,
): AsyncGenerator<ServerEvent, void> {
  let lastId: string | null = null;
  let reachedAt = -Infinity;
  while (!signal.aborted) {
    try {
      const headers = lastId === null ? {} : { 'last-event-id': lastId };
      const request: Request = { method, body, accept: 'text/event-stream', headers, signal };
      const response = await send(server, path, request);
      reachedAt = performance.now();
      for await (const event of readEvents(response.body ?? new ReadableStream())) {
        reachedAt = performance.now();
        if (event.event === refusedEvent)
          throw errorOfProblem(JSON.parse(event.data)) ?? new CloudCodeError('internal', event.data);
        lastId = event.id ?? lastId;
        yield event;
        if (event.event === stream?.last) return;
      }
      if (stream?.resumesAfter === undefined) throw unreachable(server, new Error('it ended before its work did'));
    } catch (error) {
      if (isAborted(signal)) return;
      const known = error instanceof CloudCodeError ? error : unreachable(server, error);
      const isAway = known.code === 'server_unreachable' || known.code === 'database_unreachable';
      const isPatient = stream?.resumesAfter !== undefined && performance.now() - reachedAt <= patienceMs;
      if (!isAway || !isPatient) throw known;
    }
    await pause(pauseMs, signal);
  }
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** As long as nobody gives up. Timers of browsers alone. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
