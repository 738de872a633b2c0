import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { getRun } from '../operations/get-run.ts';
import { logPageSize, readLogs } from '../operations/read-logs.ts';
import { type LogsBody, type NumberedLine, parseLogsQuery } from '../protocol/http-runs.ts';
import type { Store } from '../store/open-store.ts';
import { streamLogs } from './stream-logs.ts';

interface OneRun {
  Params: { environment: string; id: string };
}

/** How long a closing server leaves its streams to tell the end of runs that are over. */
const lastLookMs = 5000;

/** The log lines of a run: all there are now, or live as server-sent events. */
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
    if (!wantsEvents(request.headers.accept)) return readAllLogs(store, environment, { runId: id, after });
    const lastEventId = Number(request.headers['last-event-id'] ?? after);
    await getRun(store, environment, id);
    void reply.hijack();
    const stream = streamLogs({ store, environment, runId: id, afterSeq: Number.isSafeInteger(lastEventId) ? lastEventId : after, to: reply.raw, lastLook: lastLook.signal });
    open.add(stream);
    await stream.finally(() => open.delete(stream));
    return reply;
  });
}

async function readAllLogs(store: Store, environment: string, from: { readonly runId: string; readonly after: number }): Promise<LogsBody> {
  const all: NumberedLine[] = [];
  for (;;) {
    const { lines } = await readLogs(store, environment, from.runId, all.at(-1)?.seq ?? from.after);
    all.push(...lines);
    if (lines.length < logPageSize) return { lines: all };
  }
}

function wantsEvents(accept: string | undefined): boolean {
  return accept?.split(',').some((type) => type.trim().toLowerCase().startsWith('text/event-stream')) === true;
}
