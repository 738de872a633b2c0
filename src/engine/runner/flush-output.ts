import type { ClaimedRun } from '../store/claim-runs.ts';
import { insertLogLines, type StoredLine } from '../store/end-attempt.ts';
import type { Queryable } from '../store/open-store.ts';
import type { OnEvent } from './events.ts';

const flushMs = 250;
/** After a failed write. */
const retryMs = 2000;

export interface OutputFlusher {
  /** There are lines: they are written soon. */
  schedule(): void;
  /** Ends the writing. @returns lines that the database has not taken; they go with the attempt's end */
  stop(): Promise<readonly StoredLine[]>;
}

/** Writes an attempt's lines while it runs, a batch at a time. Lines that the database could not take are kept for the next try. */
export function flushOutput(
  run: ClaimedRun,
  context: { readonly store: Queryable; readonly onEvent: OnEvent },
  lines: { readonly take: () => readonly StoredLine[]; readonly onSuperseded: () => void },
): OutputFlusher {
  const attempt = { runId: run.id, fence: run.fence, number: run.attempt };
  let unwritten: readonly StoredLine[] = [];
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();
  let stopped = false;

  const flush = async (): Promise<void> => {
    unwritten = [...unwritten, ...lines.take()];
    if (unwritten.length === 0) return;
    try {
      const stored = await insertLogLines(context.store, attempt, unwritten);
      unwritten = [];
      if (!stored) lines.onSuperseded();
    } catch (error) {
      context.onEvent({
        kind: 'trouble',
        what: `${unwritten.length} log lines of run ${run.id} could not be stored yet`,
        error,
      });
      scheduleIn(retryMs);
    }
  };
  const scheduleIn = (ms: number): void => {
    if (stopped) return;
    timer ??= setTimeout(() => {
      timer = null;
      writing = writing.then(flush);
    }, ms);
  };
  return {
    schedule: () => scheduleIn(flushMs),
    async stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await writing;
      return unwritten;
    },
  };
}
