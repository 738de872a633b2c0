import type { Queryable } from '../store/open-store.ts';
import { type NumberedLine, readLogLines } from '../store/read-runs.ts';
import { getRunState } from './get-run.ts';

/** The most lines of a page. */
export const logPageSize = 1000;

/** A page of a run's log lines after the one numbered `afterSeq` (0: from the first), in order; an empty one at the end. @throws CloudCodeError `run_not_found` */
export async function readLogs(
  db: Queryable,
  environment: string,
  runId: string,
  afterSeq: number,
): Promise<{ readonly lines: readonly NumberedLine[] }> {
  await getRunState(db, environment, runId);
  return { lines: await readLogLines(db, runId, { seq: afterSeq, limit: logPageSize }) };
}
