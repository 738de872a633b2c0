import { isFinal, type NumberedLine } from '../core/run.ts';
import type { Queryable } from '../store/open-store.ts';
import { readLogLines } from '../store/read-runs.ts';
import { getRunState } from './get-run.ts';
import type { RunWatch } from './watch-runs.ts';

/** The most lines of a page. */
const logPageSize = 1000;

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

/**
 * A run's log lines after the one numbered `afterSeq`, as they come, until the run is finished or the signal aborts. Once `lastLook`
 * aborts there is one more look, which tells the end of a run that is finished by then.
 * @returns what `readRun` gives of the run in its final state, or null when a signal ended it
 * @throws CloudCodeError `run_not_found`
 */
export async function* followLogs<Answer>(
  db: Queryable,
  environment: string,
  runId: string,
  from: {
    readonly afterSeq: number;
    readonly signal: AbortSignal;
    readonly lastLook?: AbortSignal;
    readonly watch: RunWatch;
    readonly readRun: (db: Queryable, environment: string, runId: string) => Promise<Answer>;
  },
): AsyncGenerator<readonly NumberedLine[], Answer | null> {
  await getRunState(db, environment, runId);
  let seq = from.afterSeq;
  const wake = AbortSignal.any([from.signal, ...(from.lastLook === undefined ? [] : [from.lastLook])]);
  while (!from.signal.aborted) {
    const isLastLook = from.lastLook?.aborted === true;
    // The state first: a run's last lines are stored before it is finished, or together with that.
    const state = await from.watch.readState(environment, runId);
    const lines = await from.watch.readLines(runId, { seq, limit: logPageSize });
    if (lines.length > 0) {
      yield lines;
      seq = lines.at(-1)?.seq ?? seq;
    }
    const isOver = state === null || isFinal(state);
    // There may be more lines than a page holds.
    if (lines.length > 0 && (isOver || isLastLook)) continue;
    if (isOver) return from.readRun(db, environment, runId);
    if (isLastLook) return null;
    await from.watch.untilChanged(runId, { seq, signal: wake });
  }
  return null;
}
