import { setTimeout as sleep } from 'node:timers/promises';
import { CloudCodeError } from '../engine/core/errors.ts';
import type { Run } from '../engine/core/run.ts';
import { endEvent, type NumberedLine } from '../service/api/http-runs.ts';
import { readEvents } from './read-events.ts';
import { send, type Server, unreachable } from './request-json.ts';

/** A server that restarts is waited for this long. */
const patienceMs = 30_000;
const pauseMs = 500;

/**
 * A run's lines from an event stream until the run is finished. A stream that breaks is taken up again after the last line that came;
 * a server that was never reached is an error at once, one that is away for 30 s later.
 * @returns the run as it ended, or null when the signal aborted
 */
export async function* followEvents(
  server: Server,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<NumberedLine, Run | null> {
  let seq = 0;
  let reachedAt = -Infinity;
  while (!signal.aborted) {
    try {
      const response = await send(server, path, {
        accept: 'text/event-stream',
        headers: seq > 0 ? { 'last-event-id': String(seq) } : {},
        signal,
      });
      reachedAt = performance.now();
      for await (const event of readEvents(response.body ?? new ReadableStream())) {
        reachedAt = performance.now();
        if (event.event === endEvent) return JSON.parse(event.data) as Run;
        const line = JSON.parse(event.data) as NumberedLine;
        seq = line.seq;
        yield line;
      }
    } catch (error) {
      if (isAborted(signal)) return null;
      const isAway =
        !(error instanceof CloudCodeError) ||
        error.code === 'server_unreachable' ||
        error.code === 'database_unreachable';
      if (!isAway) throw error;
      if (performance.now() - reachedAt > patienceMs)
        throw error instanceof CloudCodeError ? error : unreachable(server, error);
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
  return null;
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
