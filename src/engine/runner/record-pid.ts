import { recordWorker } from '../store/claim-runs.ts';
import type { Queryable } from '../store/queryable.ts';

/** Attempts that have ended sooner do without a write of their own for their pid: it is stored with their end. */
const afterMs = 50;
/** A call of the attempt holds its run just then. */
const againMs = 250;

/** Notes the process of an attempt that takes its time. @returns stops it: its end is being stored */
export function recordPid(
  store: Queryable,
  attempt: { readonly runId: string; readonly fence: string; readonly pid: number },
): () => void {
  let isOver = false;
  let timer: NodeJS.Timeout;
  const record = async (): Promise<void> => {
    // Where the database is away, it is left to the end.
    const isDone = await recordWorker(store, attempt).catch(() => true);
    if (!isDone && !isOver) recordIn(againMs);
  };
  const recordIn = (ms: number): void => {
    timer = setTimeout(() => void record(), ms);
  };
  recordIn(afterMs);
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
