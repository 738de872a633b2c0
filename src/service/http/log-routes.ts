import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { getRunState } from '../../engine/operations/get-run.ts';
import { readLogs } from '../../engine/operations/logs.ts';
import { type LogsBody, type NumberedLine, parseLogsQuery } from '../api/http-runs.ts';
import type { Store } from '../../engine/store/open-store.ts';
import { wantsEvents } from './event-stream.ts';
import { streamLogs } from './stream-logs.ts';

interface OneRun {
  Params: { environment: string; id: string };
}

/** How long a closing server leaves its streams to tell the end of runs that are finished. */
const lastLookMs = 5000;

/** An answer that is no stream ends with the page that brings it to this many characters: some attempts with as much output as is kept of one. */
const answerLength = 8 * 1024 * 1024;

/** The log lines of a run: those there are now, or live as server-sent events. */
export function logRoutes(api: FastifyInstance, store: Store): void {
  const open = new Set<Promise<void>>();
  const lastLook = new AbortController();
  api.addHook('preClose', async () => {
    lastLook.abort();
    await Promise.race([Promise.all(open), sleep(lastLookMs, undefined, { ref: false })]);
  });
  api.get<OneRun>('/runs/:id/logs', async (request, reply) => {
    const { environment, id } = request.params;
    const { after = 0 } = parseLogsQuery(request.query);
    if (!wantsEvents(request.headers.accept)) return readManyLogs(store, environment, { runId: id, after });
    const lastEventId = Number(request.headers['last-event-id'] ?? after);
    await getRunState(store, environment, id);
    void reply.hijack();
    const stream = streamLogs({
      store,
      environment,
      runId: id,
      afterSeq: Number.isSafeInteger(lastEventId) ? lastEventId : after,
      to: reply.raw,
      lastLook: lastLook.signal,
    });
    open.add(stream);
    await stream.finally(() => open.delete(stream));
    return reply;
  });
}

async function readManyLogs(
  store: Store,
  environment: string,
  from: { readonly runId: string; readonly after: number },
): Promise<LogsBody> {
  const all: NumberedLine[] = [];
  let after = from.after;
  for (let length = 0; length < answerLength;) {
    const { lines } = await readLogs(store, environment, from.runId, after);
    if (lines.length === 0) return { lines: all };
    all.push(...lines);
    after = lines.at(-1)?.seq ?? after;
    length += lines.reduce((sum, line) => sum + line.message.length, 0);
  }
  return { lines: all, nextAfter: after };
}
