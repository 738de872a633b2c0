import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { followLogs } from '../../engine/operations/logs.ts';
import { getRunText } from '../../engine/operations/get-run.ts';
import { endEvent } from '../api/http-runs.ts';
import type { Store } from '../../engine/store/open-store.ts';
import { openEventStream } from './event-stream.ts';

export interface LogStream {
  readonly store: Store;
  readonly environment: string;
  readonly runId: string;
  readonly afterSeq: number;
  readonly to: ServerResponse;
  /** Aborted when the server closes: the stream then ends after one more look. */
  readonly lastLook: AbortSignal;
}

/**
 * Sends a run's log lines as server-sent events (`id` is the line's `seq`) until the run is finished, which the event `end` says with
 * the run: a server that closes may not be there to be asked for it. A stream that breaks, also because the database is away, ends without it; the client comes back with Last-Event-ID.
 */
export async function streamLogs({ store, environment, runId, afterSeq, to, lastLook }: LogStream): Promise<void> {
  const { closed, end } = openEventStream(to);
  try {
    const lines = followLogs(store, environment, runId, { afterSeq, signal: closed, lastLook, readRun: getRunText });
    for (let next = await lines.next(); ; next = await lines.next()) {
      if (next.done === true) {
        if (next.value !== null) to.write(`event: ${endEvent}\ndata: ${next.value.replaceAll(/[\r\n]/g, ' ')}\n\n`);
        break;
      }
      const text = next.value.map((line) => `id: ${line.seq}\ndata: ${JSON.stringify(line)}\n\n`).join('');
      if (!to.write(text)) await once(to, 'drain', { signal: closed });
    }
  } catch {
    // The headers are sent, so there is no status left to say it with.
  } finally {
    await end();
  }
}
